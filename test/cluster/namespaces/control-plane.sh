# Sourced by cluster-init.sh: the parts of the control plane by name, each started so that it can be stopped, paused and started again.
declare -A part_pids

part_pid() { # PART
  [ -n "${part_pids[$1]:-}" ] || { echo "expected one of ${!part_pids[*]}, got: $1" >&2; return 1; }
  echo "${part_pids[$1]}"
}

start_part() { # PART
  local part=$1
  case $part in
    # Data on the tmpfs /run: a test cluster has nothing to keep.
    etcd) run_part etcd --data-dir /run/etcd --unsafe-no-fsync --log-level error \
      --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380 ;;
    # Logs of pods are read at the node's address, since no name server knows its name.
    kube-apiserver) run_part kube-apiserver --etcd-servers=http://127.0.0.1:2379 --cert-dir=/run/kube-apiserver \
      --bind-address=0.0.0.0 --secure-port=443 --advertise-address=10.99.0.1 --service-cluster-ip-range=10.96.0.0/16 \
      --tls-cert-file="$STATE/server.crt" --tls-private-key-file="$STATE/server.key" \
      --token-auth-file="$STATE/tokens.csv" --authorization-mode=Node,RBAC --allow-privileged=true \
      --service-account-key-file="$STATE/service-accounts.key" --service-account-signing-key-file="$STATE/service-accounts.key" \
      --service-account-issuer=https://kubernetes.default.svc --kubelet-preferred-address-types=InternalIP \
      --default-not-ready-toleration-seconds="$EVICTION_AFTER" --default-unreachable-toleration-seconds="$EVICTION_AFTER" ;;
    # The default rate of 20 requests a second costs four seconds of the start; the default flex folder lies on the host. A claim that is not bound
    # at once is looked at again after 15 s by default.
    kube-controller-manager) run_part kube-controller-manager --kubeconfig="$STATE/controller-manager.kubeconfig" --leader-elect=false \
      --use-service-account-credentials --service-account-private-key-file="$STATE/service-accounts.key" --root-ca-file="$STATE/ca.crt" \
      --kube-api-qps=500 --kube-api-burst=1000 --pvclaimbinder-sync-period=1s \
      --bind-address=127.0.0.1 --cert-dir=/run/kube-controller-manager --flex-volume-plugin-dir=/run/flex \
      --node-monitor-period="$NODE_MONITOR_PERIOD" --node-monitor-grace-period="$NODE_MONITOR_GRACE" ;;
    kube-scheduler) run_part kube-scheduler --kubeconfig="$STATE/scheduler.kubeconfig" --leader-elect=false \
      --kube-api-qps=500 --kube-api-burst=1000 --bind-address=127.0.0.1 --cert-dir=/run/kube-scheduler ;;
    # The one thing in the host's network: a loopback port. Started again it takes the same port, so kubeconfigs stay true.
    api-bridge) run_bridge api-bridge "$STATE/api-address" - "$(cat "$STATE/api-address" 2>/dev/null || echo 127.0.0.1:0)" /run/netns/n1 127.0.0.1:443 ;;
    *) echo "expected etcd, kube-apiserver, kube-controller-manager, kube-scheduler or api-bridge, got: $part" >&2; return 1 ;;
  esac
}

run_part() { # PART ARGUMENT...
  nsenter --net=/run/netns/n1 kubernetes "$@" >>"$STATE/logs/$1" 2>&1 </dev/null 3>&- &
  part_pids[$1]=$!
}

run_bridge() { # NAME FILE LISTEN_NS LISTEN_ADDRESS DIAL_NS DIAL_ADDRESS
  port-bridge "${@:2}" >>"$STATE/logs/$1" 2>&1 </dev/null 3>&- &
  part_pids[$1]=$!
}

# A port of the host's loopback, reachable from pods of all nodes at 10.99.0.1. Only pods and what runs in n1 see it.
start_host_service() { # PORT
  run_bridge "host-service-$1" "$STATE/host-service-$1" /run/netns/n1 "10.99.0.1:$1" - "127.0.0.1:$1"
  for _ in $(seq 50); do
    [ -s "$STATE/host-service-$1" ] && return
    sleep .1
  done
  tail -n 3 "$STATE/logs/host-service-$1"
  return 1
}
