//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/component-helpers/apimachinery/lease"
	"k8s.io/utils/clock"
)

const (
	systemNode     = "lab-system"
	gpuResource    = corev1.ResourceName("nvidia.com/gpu")
	simulatedLabel = "flyball.dev/simulated"
	maxNodes       = 250 // addresses NET.1.1 to NET.1.250

	leaseSeconds   = 40 // the kubelet's values
	leaseRenewal   = 10 * time.Second
	statusInterval = 30 * time.Second
)

// host is one simulated node.
type host struct {
	name string
	gpus int
	ip   string
	port int32 // of the log endpoint
}

func hosts(network string, specs []Spec) (map[string]host, error) {
	specs = append(slices.Clip(specs), Spec{Name: systemNode})
	if len(specs) > maxNodes {
		return nil, fmt.Errorf("node agent: %d nodes, at most %d have an address", len(specs), maxNodes)
	}
	byName := map[string]host{}
	for i, s := range specs {
		if _, twice := byName[s.Name]; twice || s.Name == "" || s.GPUs < 0 {
			return nil, fmt.Errorf("node agent: node %q (%d GPUs): names are unique, GPUs not negative", s.Name, s.GPUs)
		}
		byName[s.Name] = host{name: s.Name, gpus: s.GPUs, ip: network + ".1." + strconv.Itoa(i+1)}
	}
	return byName, nil
}

func (h host) labels() map[string]string {
	l := map[string]string{
		corev1.LabelOSStable:   "linux",
		corev1.LabelArchStable: runtime.GOARCH,
		corev1.LabelHostname:   h.name,
		simulatedLabel:         "true",
	}
	if h.gpus > 0 {
		l["nvidia.com/gpu.product"] = "simulated"
		l["nvidia.com/gpu.count"] = strconv.Itoa(h.gpus)
	}
	return l
}

// taints keep pods that need no GPU on the system node as long as it has room.
func (h host) taints() []corev1.Taint {
	if h.gpus == 0 {
		return nil
	}
	return []corev1.Taint{{Key: string(gpuResource), Value: "present", Effect: corev1.TaintEffectPreferNoSchedule}}
}

func (h host) capacity() corev1.ResourceList {
	list := corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("256"),
		corev1.ResourceMemory:           resource.MustParse("4Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("4Ti"),
		corev1.ResourcePods:             resource.MustParse("110"),
	}
	if h.gpus > 0 {
		list[gpuResource] = *resource.NewQuantity(int64(h.gpus), resource.DecimalSI)
	}
	return list
}

func (h host) status(old corev1.NodeStatus, version string, now metav1.Time) corev1.NodeStatus {
	s := *old.DeepCopy()
	s.Capacity, s.Allocatable = h.capacity(), h.capacity()
	// No Hostname address: the API server would prefer it to the IP when it fetches logs.
	s.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: h.ip}}
	s.DaemonEndpoints.KubeletEndpoint.Port = h.port
	s.NodeInfo.KubeletVersion, s.NodeInfo.ContainerRuntimeVersion = version, "flyball://process"
	s.NodeInfo.OperatingSystem, s.NodeInfo.Architecture = "linux", runtime.GOARCH
	s.NodeInfo.OSImage = "Flyball lab"
	s.Conditions = nil
	for _, c := range []corev1.NodeCondition{
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientMemory"},
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasNoDiskPressure"},
		{Type: corev1.NodePIDPressure, Status: corev1.ConditionFalse, Reason: "KubeletHasSufficientPID"},
		{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "the lab's node agent is running"},
	} {
		c.LastHeartbeatTime, c.LastTransitionTime = now, now
		for _, o := range old.Conditions {
			if o.Type == c.Type && o.Status == c.Status {
				c.LastTransitionTime = o.LastTransitionTime
			}
		}
		s.Conditions = append(s.Conditions, c)
	}
	return s
}

// registerNodes makes the API's nodes be the configured ones.
func (a *Agent) registerNodes(ctx context.Context) error {
	nodes := a.cfg.Client.CoreV1().Nodes()
	list, err := nodes.List(ctx, metav1.ListOptions{LabelSelector: simulatedLabel})
	if err != nil {
		return fmt.Errorf("reading nodes: %w", err)
	}
	for _, n := range list.Items {
		if _, ok := a.nodes[n.Name]; ok {
			continue
		}
		if err := nodes.Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("removing node %s of an earlier lab: %w", n.Name, err)
		}
	}
	return a.refreshNodes(ctx)
}

func (a *Agent) refreshNodes(ctx context.Context) error {
	version := "unknown"
	if v, err := a.cfg.Client.Discovery().ServerVersion(); err == nil {
		version = v.GitVersion
	}
	var errs []error
	for _, h := range a.nodes {
		if err := a.refreshNode(ctx, h, version); err != nil {
			errs = append(errs, fmt.Errorf("registering node %s: %w", h.name, err))
		}
	}
	return errors.Join(errs...)
}

// refreshNode creates the node if someone deleted it, and reports it ready. A cordon or another
// taint is left alone; the controller manager removes its own not-ready taints.
func (a *Agent) refreshNode(ctx context.Context, h host, version string) error {
	nodes := a.cfg.Client.CoreV1().Nodes()
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		n, err := nodes.Get(ctx, h.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			n, err = nodes.Create(ctx, &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: h.name, Labels: h.labels()},
				Spec:       corev1.NodeSpec{Taints: h.taints()},
			}, metav1.CreateOptions{})
		}
		if err != nil {
			return err
		}
		labelled := n.DeepCopy()
		for k, v := range h.labels() {
			metav1.SetMetaDataLabel(&labelled.ObjectMeta, k, v)
		}
		if !equality.Semantic.DeepEqual(n.Labels, labelled.Labels) {
			if n, err = nodes.Update(ctx, labelled, metav1.UpdateOptions{}); err != nil {
				return err
			}
		}
		n.Status = h.status(n.Status, version, metav1.Now())
		_, err = nodes.UpdateStatus(ctx, n, metav1.UpdateOptions{})
		return err
	})
}

// keepNodesReady renews the leases that the node controller watches, and now and then the whole
// status, until ctx ends.
func (a *Agent) keepNodesReady(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, h := range a.nodes {
		l := lease.NewController(clock.RealClock{}, a.cfg.Client, h.name, leaseSeconds, nil, leaseRenewal,
			h.name, corev1.NamespaceNodeLease, nil)
		wg.Go(func() { l.Run(ctx) })
	}
	tick := time.NewTicker(statusInterval)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := a.refreshNodes(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			a.cfg.Log.Warn("node status not refreshed", "error", err)
		}
		failing = err != nil
	}
}
