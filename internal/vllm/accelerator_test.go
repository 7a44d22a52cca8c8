package vllm_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/flyball-dev/flyball/internal/vllm"
)

func TestAccelerator(t *testing.T) {
	required := func(label string, values ...string) corev1.PodSpec {
		return corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
			NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: label, Operator: corev1.NodeSelectorOpIn, Values: values}}}},
		}}}}
	}
	selector := func(label, value string) corev1.PodSpec {
		return corev1.PodSpec{NodeSelector: map[string]string{label: value, "a": "b"}}
	}
	for want, of := range map[string]corev1.PodSpec{
		"L40S":      selector("nvidia.com/gpu.product", "NVIDIA-L40S-SHARED"),
		"A100":      selector("nvidia.com/gpu.product", "NVIDIA-A100-SXM4-80GB"),
		"A100-40GB": selector("cloud.google.com/gke-accelerator", "nvidia-tesla-a100"),
		"H100":      required("gpu.nvidia.com/model", "H100_NVLINK_80GB"),
		"A10G":      required("karpenter.k8s.aws/instance-gpu-name", "a10g"),
	} {
		if gpu, selected := vllm.Accelerator(&of); gpu != want || selected == "" {
			t.Errorf("Accelerator(%v) = %q, %q, want %s", of, gpu, selected, want)
		}
	}
	for want, of := range map[string]corev1.PodSpec{
		"":                                      required("karpenter.k8s.aws/instance-gpu-name", "l4", "t4"),
		"a=b":                                   {NodeSelector: map[string]string{"a": "b"}},
		"nvidia.com/gpu.product=NVIDIA-X99-48G": selector("nvidia.com/gpu.product", "NVIDIA-X99-48G"),
	} {
		if gpu, selected := vllm.Accelerator(&of); gpu != "" || selected != want {
			t.Errorf("Accelerator(%v) = %q, %q, want none, %q", of, gpu, selected, want)
		}
	}
}

func TestBillions(t *testing.T) {
	for model, want := range map[string]float64{
		"Qwen/Qwen3-30B-A3B": 30, "mistralai/Mixtral-8x7B-Instruct-v0.1": 56, "meta-llama/Llama-3.1-70B-Instruct": 70,
		"Qwen/Qwen2.5-0.5B": .5, "facebook/opt-125m": .125, "deepseek-ai/DeepSeek-V3": 0, "/mnt/models": 0, "": 0,
		"Qwen3-14B": 14, "gpt-oss:20b": 0, "llama3-8b": 8,
	} {
		if got := vllm.Billions(model); got != want {
			t.Errorf("Billions(%s) = %v, want %v", model, got, want)
		}
	}
}
