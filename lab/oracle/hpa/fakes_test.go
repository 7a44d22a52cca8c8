package hpa

import (
	"context"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	autoscalingclient "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	autoscalinglisters "k8s.io/client-go/listers/autoscaling/v2"
	corelisters "k8s.io/client-go/listers/core/v1"
	scaleclient "k8s.io/client-go/scale"
	"k8s.io/client-go/tools/cache"
)

// The fakes implement what the controller calls; anything else is a nil pointer.

type hpaInformer struct{ w *world }

func (i hpaInformer) Informer() cache.SharedIndexInformer { return informer{w: i.w} }
func (i hpaInformer) Lister() autoscalinglisters.HorizontalPodAutoscalerLister {
	return autoscalinglisters.NewHorizontalPodAutoscalerLister(i.w.hpas)
}

type podInformer struct{ w *world }

func (i podInformer) Informer() cache.SharedIndexInformer { return informer{w: i.w} }
func (i podInformer) Lister() corelisters.PodLister       { return corelisters.NewPodLister(i.w.pods) }

type informer struct {
	cache.SharedIndexInformer
	w *world
}

func (i informer) HasSynced() bool { return true }
func (i informer) AddEventHandlerWithResyncPeriod(h cache.ResourceEventHandler, _ time.Duration) (cache.ResourceEventHandlerRegistration, error) {
	i.w.handler = h
	return nil, nil
}

type scales struct {
	scaleclient.ScaleInterface
	w *world
}

func (s scales) Scales(string) scaleclient.ScaleInterface { return s }
func (s scales) Get(context.Context, schema.GroupResource, string, metav1.GetOptions) (*autoscalingv1.Scale, error) {
	s.w.gets++
	return s.w.scale(), nil
}

func (s scales) Update(_ context.Context, _ schema.GroupResource, scale *autoscalingv1.Scale, _ metav1.UpdateOptions) (*autoscalingv1.Scale, error) {
	s.w.spec = scale.Spec.Replicas
	return scale, nil
}

type autoscalers struct {
	autoscalingclient.HorizontalPodAutoscalerInterface
	w *world
}

func (a autoscalers) HorizontalPodAutoscalers(string) autoscalingclient.HorizontalPodAutoscalerInterface {
	return a
}

func (a autoscalers) UpdateStatus(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler, _ metav1.UpdateOptions) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	before := a.w.hpa
	a.w.hpa = before.DeepCopy()
	a.w.hpa.Status = h.Status
	_ = a.w.hpas.Update(a.w.hpa)
	a.w.handler.OnUpdate(before, a.w.hpa)
	return a.w.hpa, nil
}

type events struct{ coreclient.EventInterface }

func (e events) Events(string) coreclient.EventInterface { return e }
func (e events) CreateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	return event, nil
}

func (e events) UpdateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	return event, nil
}

func (e events) PatchWithEventNamespace(event *v1.Event, _ []byte) (*v1.Event, error) {
	return event, nil
}
