package notices

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"github.com/flyball-dev/flyball/internal/explain"
)

// INV-1.
func TestNotesFitAnEvent(t *testing.T) {
	recorder := events.NewFakeRecorder(1)
	Emit(recorder, &corev1.Pod{}, explain.Notice{Warning: true, Reason: "X", Text: strings.Repeat("ä", maxNote)})
	got := strings.TrimPrefix(<-recorder.Events, "Warning X ")
	if len(got) > maxNote || !strings.HasSuffix(got, "ä…") {
		t.Errorf("note has %d bytes and ends with %q, want at most %d", len(got), got[len(got)-8:], maxNote)
	}
}

// INV-2.
func TestSaidOnce(t *testing.T) {
	recorder := events.NewFakeRecorder(9)
	var s Said
	key := types.NamespacedName{Namespace: "demo", Name: "llama"}
	a, b := explain.Notice{Reason: "A", Text: "a"}, explain.Notice{Reason: "B", Text: "b"}
	for _, all := range [][]explain.Notice{{a}, {a}, {a, b}, nil, {a}} {
		s.Tell(recorder, key, &corev1.Pod{}, all)
	}
	s.Forget(key)
	s.Tell(recorder, key, &corev1.Pod{}, []explain.Notice{a})
	close(recorder.Events)
	var said []string
	for text := range recorder.Events {
		said = append(said, text)
	}
	if got := strings.Join(said, ", "); got != "Normal A a, Normal B b, Normal A a, Normal A a" {
		t.Errorf("said %s", got)
	}
}
