package vllm

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// GPUs are those that containers take.
type GPUs struct {
	Whole  int
	Shares []corev1.ResourceName // of MIG and of time: a place on a node, but no whole GPU; sorted
}

// Any tells whether there are any at all.
func (g GPUs) Any() bool { return g.Whole > 0 || len(g.Shares) > 0 }

// Places is how many a replica takes of what a node offers.
func (g GPUs) Places() int { return g.Whole + len(g.Shares) }

// A gpuKind is what a resource is, by its name.
type gpuKind int

const (
	noGPU gpuKind = iota
	wholeGPU
	gpuShare
)

// kindOf knows the resource names of device plugins: <vendor>/gpu is a whole one for
// NVIDIA, AMD, Intel and most others, nvidia.com/mig-… and gpu.shared are shares. What
// measures a GPU's memory or cores (nvidia.com/gpumem) is none by itself.
func kindOf(name corev1.ResourceName) gpuKind {
	vendor, short, named := strings.Cut(string(name), "/")
	switch {
	case !named:
		return noGPU
	case strings.HasPrefix(short, "mig-"), strings.HasSuffix(short, ".shared"):
		return gpuShare
	case short == "gpu", short == "pgpu":
		return wholeGPU
	case vendor == "gpu.intel.com" && (short == "i915" || short == "xe"), vendor == "habana.ai" && short == "gaudi":
		return wholeGPU
	}
	return noGPU
}

// IsGPU tells whether a resource is a GPU or a share of one.
func IsGPU(name corev1.ResourceName) bool { return kindOf(name) != noGPU }

// NamesGPU tells whether a text, such as the scheduler's "Insufficient nvidia.com/gpu",
// names such a resource.
func NamesGPU(text string) bool {
	for word := range strings.FieldsFuncSeq(text, func(c rune) bool { return strings.ContainsRune(" ,;:()", c) }) {
		if IsGPU(corev1.ResourceName(strings.TrimRight(word, "."))) {
			return true
		}
	}
	return false
}

// maxGPUs is more than a pod can have.
const maxGPUs = 1 << 10

// GPUsOf are a container's: its limits, which for such resources are its requests too.
func GPUsOf(c *corev1.Container) GPUs {
	var g GPUs
	for _, list := range []corev1.ResourceList{c.Resources.Limits, c.Resources.Requests} {
		if g.Any() {
			break
		}
		for _, name := range slices.Sorted(maps.Keys(list)) {
			q := list[name]
			n := int(min(max(0, q.Value()), maxGPUs))
			switch kindOf(name) {
			case wholeGPU:
				g.Whole += n
			case gpuShare:
				g.Shares = append(g.Shares, slices.Repeat([]corev1.ResourceName{name}, n)...)
			case noGPU:
			}
		}
	}
	return g
}

// Resources are the GPUs, and shares of GPUs, of all containers of a pod, by the names that a
// ResourceQuota counts them by.
func Resources(containers []corev1.Container) corev1.ResourceList {
	all := corev1.ResourceList{}
	for i := range containers {
		r := containers[i].Resources
		list := r.Limits
		if !slices.ContainsFunc(slices.Collect(maps.Keys(list)), IsGPU) {
			list = r.Requests
		}
		for name, n := range list {
			if IsGPU(name) {
				sum := all[name]
				sum.Add(n)
				all[name] = sum
			}
		}
	}
	return all
}

// GPUsOfPod are those of all containers of a pod.
func GPUsOfPod(containers []corev1.Container) GPUs {
	var sum GPUs
	for i := range containers {
		g := GPUsOf(&containers[i])
		sum.Whole += g.Whole
		sum.Shares = append(sum.Shares, g.Shares...)
	}
	slices.Sort(sum.Shares)
	return sum
}
