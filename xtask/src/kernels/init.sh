#!/bin/busybox sh
# The first process of a VM. It puts the machine's files (read-only, over virtiofs) under a layer in memory,
# and goes on with the job's script there. Everything the VM writes is gone when it ends.
bb=/bin/busybox

give_up() {
    echo "dvs-vm: $1"
    $bb poweroff -f
}

$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t devtmpfs dev /dev
for module in /modules/*.ko; do
    [ -e "$module" ] && { $bb insmod "$module" || echo "dvs-vm: cannot load $module"; }
done

$bb mount -t virtiofs -o ro machine /machine || give_up "no virtiofs"
$bb mount -t tmpfs top /top
$bb mkdir /top/upper /top/work
$bb mount -t overlay -o lowerdir=/machine,upperdir=/top/upper,workdir=/top/work root /root || give_up "no overlay"

$bb mount -t proc proc /root/proc
$bb mount -t sysfs sys /root/sys
$bb mount -t devtmpfs dev /root/dev
$bb mount -t tmpfs run /root/run
$bb mount -t cgroup2 cgroup /root/sys/fs/cgroup
$bb mkdir -p /root/dev/pts /root/run/netns
$bb mount -t devpts devpts /root/dev/pts

# As the first process this changes the root of the kernel's own helpers too, so that a device or qdisc type
# that is a module is loaded by the machine's modprobe when it is first used.
script=$($bb sed -n 's/.*dvs\.script=\([^ ]*\).*/\1/p' /proc/cmdline)
exec $bb chroot /root /bin/sh "$script"
