# Sourced by node-init.sh: what a node mounts, inside its own mount namespace, so that default paths work and nothing of the host's is written.

cover_host() { # FOLDER of the node, on disk
  local folder=$1 controller
  mkdir -p "$folder"/{containerd,kubelet,log,sysctl}
  mount --make-rshared /
  umount -R -l /sys
  mount -t sysfs sysfs /sys
  mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
  # Every hierarchy, name=systemd too: without it the shim finds no mount for it, watches no memory events,
  # and a container that the kernel killed for memory ends as `Error` instead of `OOMKilled`.
  while read -r controller _; do
    mkdir "/sys/fs/cgroup/${controller#name=}"
    case $controller in
      name=*) mount -t cgroup -o "none,$controller" cgroup "/sys/fs/cgroup/${controller#name=}" ;;
      *) mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" ;;
    esac
  done <"$STATE/groups"
  # Left by a node that lost power; kubelet would retry them for a quarter of a minute before it is Ready.
  find /sys/fs/cgroup/*/kubepods -depth -type d -exec rmdir {} + 2>/dev/null || :
  pretend_sysctls "$folder/sysctl"
  mount -t tmpfs -o mode=755 run /run
  mount -t tmpfs -o mode=755 varlib /var/lib
  mkdir /var/lib/{containerd,kubelet,cni}
  mount --bind "$folder/containerd" /var/lib/containerd
  mount --bind "$folder/kubelet" /var/lib/kubelet
  mount --bind "$folder/log" /var/log
}

# Kubelet sets these for the whole kernel. It is shown files that hold its values already, and leaves the host's alone.
pretend_sysctls() { # FOLDER
  local setting name file
  for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    name=${setting%=*}
    [ "$(cat "/proc/sys/$name")" != "${setting#*=}" ] || continue
    file=$1/${name//\//.}
    echo "${setting#*=}" >"$file"
    mount --bind "$file" "/proc/sys/$name"
  done
}
