// Package node is the kubelet of the lab: it registers simulated nodes with GPUs and runs every
// pod that the scheduler binds to them as processes of this machine.
//
// A pod keeps its own status, probes, hooks, volumes, ServiceAccount token and address, but it
// shares the machine's file system and network. The container's file system is a directory: each
// path below a mount, or below /tmp, is rewritten to it. The pod's loopback and wildcard
// addresses are rewritten to the pod's own address.
//
// INV-1: a pod's containers, probes and status belong to one goroutine, its worker.
// INV-2: every process carries proc.MarkVar, and none is running when Run returns.
// INV-3: a pod object is deleted only after its processes have ended, and only with its UID as
// precondition.
// INV-4: no two living pods share an address.
// INV-5: a mounted Secret, ConfigMap, token or downward file changes atomically, all keys at
// once, in the layout that the kubelet's users watch (..data).
// INV-6: restarts wait 0, 10, 20, … 300 s; ten minutes of running forgive (kubelet:
// MaxContainerBackOff).
//
// It deliberately does not know what the programs are: Config.Programs names them. Security
// contexts, resource limits, resizing in place, postStart hooks, activeDeadlineSeconds, exec,
// attach and port-forward are left out; volumes other than secret, configMap, downwardAPI and
// projected are empty directories; a gRPC probe only checks that the port accepts connections.
package node
