package page

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/flyball-dev/flyball/internal/cli/simulate"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/kserve"
	"github.com/flyball-dev/flyball/internal/kube/cluster"
	"github.com/flyball-dev/flyball/internal/web"
)

// whatIf sweeps the target of a service over the load that the Prometheus has recorded of it:
// flyball simulate with the words of command, on what the cluster has.
func (o options) whatIf(ctx context.Context, kube client.Reader, q web.Question, done func()) (web.Answer, error) {
	namespace, name, _ := strings.Cut(q.Service, "/")
	service := cluster.NewObject(kserve.InferenceServiceKind)
	if err := kube.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, service); err != nil {
		return web.Answer{}, fmt.Errorf("reading InferenceService %s: %w", q.Service, err)
	}
	isvc := &kserve.InferenceService{}
	if err := kserve.Decode(service, isvc); err != nil {
		return web.Answer{}, err
	}
	pointer, now := kserve.TargetField(isvc)
	if pointer == "" {
		return web.Answer{}, fmt.Errorf("%s has no metric with a target, or several: there is no one number to try", q.Service)
	}
	text, err := simulate.InCluster(ctx, kube, service)
	if err != nil {
		return web.Answer{}, err
	}
	words := o.sweep(q)
	a := web.Answer{Now: now, Pointer: pointer, Command: hint.Command(append([]string{"flyball", "simulate", "-f", name + ".yaml"}, words...)...)}
	c, err := simulate.Swept(ctx, slices.Concat(words, o.credentials(), []string{"-f", "-"}), text, done)
	if err != nil {
		return a, err
	}
	for _, r := range c.Rows() {
		value, swept := strings.CutPrefix(r.Law, "target=")
		if !swept || r.Fault != "" {
			continue
		}
		a.Tried = append(a.Tried, web.Tried{
			Value: value, Attainment: r.Attainment, AttainmentHalf: r.CI95["attainment"], GPUHours: r.GPUHours, GPUHoursHalf: r.CI95["gpuHours"],
			Replicas: r.AverageReplicas, Promise: r.Promise, Keeps: string(r.Keeps), TTFTP99: r.TTFTP99, TPOTP99: r.TPOTP99,
		})
	}
	for _, v := range c.Verdict() {
		a.Verdict = append(a.Verdict, v.Text)
	}
	return a, nil
}

// sweep are the words of a question.
func (o options) sweep(q web.Question) []string {
	words := []string{"--from-prometheus", o.address, "--last", q.Last, "--sweep", "target=" + q.Values}
	for _, objective := range q.Objectives {
		words = append(words, "--objective", objective)
	}
	return words
}

// credentials are the words that nobody is to read.
func (o options) credentials() (words []string) {
	if o.user != "" {
		words = append(words, "--prometheus-user", o.user)
	}
	if o.passwords != "" {
		words = append(words, "--prometheus-password-file", o.passwords)
	}
	return words
}
