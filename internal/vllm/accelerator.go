package vllm

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// gpuLabels are the labels of nodes that say which GPU they have.
func gpuLabels() []string {
	return []string{
		"nvidia.com/gpu.product",              // NVIDIA's GPU feature discovery
		"cloud.google.com/gke-accelerator",    // GKE
		"karpenter.k8s.aws/instance-gpu-name", // Karpenter
		"gpu.nvidia.com/model",                // CoreWeave
	}
}

// Product is the GPU that a node's labels say it has, in their words; "" if none does.
func Product(labels map[string]string) string {
	for _, label := range gpuLabels() {
		if value := labels[label]; value != "" {
			return value
		}
	}
	return ""
}

// gpuNames are the GPUs that are told apart.
func gpuNames() []string {
	return []string{"H100", "H200", "H20", "GH200", "B200", "GB200", "B300", "A100", "A10G", "A10", "A40", "L40S", "L40", "L4", "T4", "V100", "P100", "MI300X", "MI325X"}
}

// Accelerator is the GPU that a pod asks its node to have, as profiles call it; selected
// is the demand in words, "" if there is none. An A100 of 40 GB is another than the one of
// 80 GB.
//
// Worked example (TestAccelerator): nvidia.com/gpu.product: NVIDIA-L40S-SHARED is an L40S.
func Accelerator(of *corev1.PodSpec) (gpu, selected string) {
	for _, label := range gpuLabels() {
		for _, value := range demanded(of, label) {
			return gpuOf(value), label + "=" + value
		}
	}
	for _, name := range slices.Sorted(maps.Keys(of.NodeSelector)) {
		return "", name + "=" + of.NodeSelector[name]
	}
	return "", ""
}

// demanded are the values of a label that a node must have: only one value is a demand.
func demanded(of *corev1.PodSpec, label string) []string {
	if value, ok := of.NodeSelector[label]; ok {
		return []string{value}
	}
	if of.Affinity == nil || of.Affinity.NodeAffinity == nil || of.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	terms := of.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
	if len(terms) != 1 {
		return nil
	}
	for _, e := range terms[0].MatchExpressions {
		if e.Key == label && e.Operator == corev1.NodeSelectorOpIn && len(e.Values) == 1 {
			return e.Values
		}
	}
	return nil
}

func gpuOf(product string) string {
	words := strings.FieldsFunc(strings.ToUpper(product), func(r rune) bool { return r == '-' || r == '_' || r == ' ' })
	for _, name := range gpuNames() {
		if !slices.Contains(words, name) {
			continue
		}
		small := slices.Contains(words, "40GB") || slices.Contains(words, "TESLA") // GKE's nvidia-tesla-a100
		if name == "A100" && small {
			return "A100-40GB"
		}
		return name
	}
	return ""
}

// Billions are a model's parameters, as its name tells them; 0 if it does not. Of a
// mixture all experts count, since all are in memory.
//
// Worked example (TestBillions): Qwen/Qwen3-30B-A3B has 30, Mixtral-8x7B 56.
func Billions(model string) float64 {
	m := sized().FindStringSubmatch(strings.ToLower(model))
	if m == nil {
		return 0
	}
	experts, err := strconv.ParseFloat(cmp.Or(m[1], "1"), 64)
	each, errEach := strconv.ParseFloat(m[2], 64)
	if err != nil || errEach != nil {
		return 0
	}
	if m[3] == "m" {
		each /= 1000
	}
	return experts * each
}

// sized finds a size between two separators: -14b-, -8x7b, /1.5b.
func sized() *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[-_/ .])(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?:$|[-_/ .:])`)
}
