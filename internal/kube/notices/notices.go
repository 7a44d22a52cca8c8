package notices

import (
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"github.com/flyball-dev/flyball/internal/explain"
)

// maxNote is what an Event holds (k8s.io/api/events/v1: note, 1 kB).
const maxNote = 1024

// Said are the last notices of each object, so that a resync does not repeat them.
type Said struct{ last sync.Map }

// Tell emits those that were not among the last ones.
func (s *Said) Tell(to events.EventRecorder, key types.NamespacedName, about runtime.Object, all []explain.Notice) {
	last, _ := s.last.Swap(key, all)
	before, _ := last.([]explain.Notice)
	for _, n := range all {
		if !slices.Contains(before, n) {
			Emit(to, about, n)
		}
	}
}

// Forget is for an object that is gone.
func (s *Said) Forget(key types.NamespacedName) { s.last.Delete(key) }

// Emit makes an Event of a notice.
func Emit(to events.EventRecorder, about runtime.Object, n explain.Notice) {
	kind := corev1.EventTypeNormal
	if n.Warning {
		kind = corev1.EventTypeWarning
	}
	text := n.Text
	if len(text) > maxNote {
		text = strings.ToValidUTF8(text[:maxNote-len("…")], "") + "…"
	}
	to.Eventf(about, nil, kind, n.Reason, "Reconcile", "%s", text)
}
