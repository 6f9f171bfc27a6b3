# Sourced by cluster-init.sh. One network namespace a node, named only in the cluster's own /run. Node 1 carries the bridge
# lethe0 10.99.0.1/24, to which the others are wired; pods of node N have 10.244.N.0/24. Nothing of it touches the host's network.

in_network() { # N COMMAND...
  local network=$1
  shift
  nsenter --net="/run/netns/n$network" "$@"
}

make_networks() { # NODES
  local node
  for node in $(seq "$1"); do
    ip netns add "n$node"
    in_network "$node" ip link set lo up
    in_network "$node" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    if [ "$node" = 1 ]; then
      in_network 1 ip link add lethe0 type bridge
      in_network 1 ip address add 10.99.0.1/24 dev lethe0
      in_network 1 ip link set lethe0 up
      # The `kubernetes` Service without kube-proxy: its address lies on the machine that the API server runs on.
      in_network 1 ip address add 10.96.0.1/32 dev lo
    else
      ip link add "wire$node" netns n1 type veth peer name eth0 netns "n$node"
      in_network 1 ip link set "wire$node" master lethe0 up
      in_network 1 ip route add "10.244.$node.0/24" via "10.99.0.$node"
      in_network "$node" ip address add "10.99.0.$node/24" dev eth0
      in_network "$node" ip link set eth0 up
      in_network "$node" ip route add default via 10.99.0.1
    fi
  done
}
