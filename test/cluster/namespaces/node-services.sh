# Sourced by node-init.sh: containerd and kubelet of one node, their configuration and how they are started again.
socket=/run/containerd/containerd.sock
declare -A service_pids

service_pid() { # SERVICE
  [ -n "${service_pids[$1]:-}" ] || { echo "expected containerd or kubelet, got: $1" >&2; return 1; }
  echo "${service_pids[$1]}"
}

start_service() { # SERVICE
  case $1 in
    containerd)
      configure_containerd
      setsid containerd -c /run/containerd.toml -l warn >>"$STATE/logs/containerd-n$node" 2>&1 </dev/null 3>&- &
      ;;
    kubelet)
      configure_kubelet
      setsid kubernetes kubelet --config=/run/kubelet.yaml --kubeconfig="$STATE/n$node.kubeconfig" --hostname-override="n$node" \
        --node-ip="10.99.0.$node" --cert-dir=/run/kubelet-pki >>"$STATE/logs/kubelet-n$node" 2>&1 </dev/null 3>&- &
      ;;
    *) echo "expected containerd or kubelet, got: $1" >&2; return 1 ;;
  esac
  service_pids[$1]=$!
}

# restrict_oom_score_adj: without CAP_SYS_RESOURCE no sandbox could be made. disable_apparmor: its profile would be loaded into the host's kernel.
configure_containerd() {
  mkdir -p /run/cni
  cat >/run/containerd.toml <<END
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "$socket"
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/lethe-test/pause:1"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$RUNTIME/usr/lib/cni"
    conf_dir = "/run/cni"
END
  # No masquerade: pods reach only the cluster, and iptables is not needed.
  cat >/run/cni/10-lethe.conflist <<END
{"cniVersion": "0.4.0", "name": "lethe", "plugins": [{"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.$node.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
}

# Image garbage collection must not take the imported images, which no registry could give back.
configure_kubelet() {
  : >/run/resolv.conf
  cat >/run/kubelet.yaml <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
failSwapOn: false
failCgroupV1: false
makeIPTablesUtilChains: false
containerRuntimeEndpoint: unix://$socket
resolvConf: /run/resolv.conf
volumePluginDir: /var/lib/kubelet/volumeplugins
kubeAPIQPS: 500
kubeAPIBurst: 1000
registryPullQPS: 0
eventRecordQPS: 0
nodeStatusUpdateFrequency: $NODE_STATUS_EVERY
nodeLeaseDurationSeconds: $NODE_LEASE_SECONDS
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
END
}
