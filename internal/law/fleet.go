package law

import "time"

// A Fleet is the replicas of a service: how many are asked for, how many there are by
// state, and their pods.
type Fleet struct {
	Desired  int // replicas last asked for: the scale's spec
	Pending  int // no node yet
	Starting int // image, weights, compile
	Ready    int
	Draining int // told to end, finishing what they have
	Pods     []Pod
	// Crashing: each that there is crashes, or cannot get its image.
	Crashing bool `json:",omitempty"`
}

// Provisioned are the replicas that serve or will: what a scale reports as status.
func (f Fleet) Provisioned() int { return f.Pending + f.Starting + f.Ready }

// Running are the pods that run and are ready, those that are told to end included.
func (f Fleet) Running() int {
	n := 0
	for _, p := range f.Pods {
		if p.Phase == PodRunning && p.Ready {
			n++
		}
	}
	return n
}

// A Pod is one replica as its status shows it.
type Pod struct {
	Name     string
	Phase    Phase
	Ready    bool
	Deleting bool
	// CreatedAt is when the pod was made, StartedAt when the node took it, RunsAt when its
	// container began, and ChangedAt when Ready last changed. Of what has not come to pass
	// it is 0.
	CreatedAt, StartedAt, RunsAt, ChangedAt time.Duration
}

// Unplaced tells whether no node has taken the pod.
func (p Pod) Unplaced() bool { return p.Phase == PodPending && p.StartedAt == 0 && !p.Deleting }

// A Phase is a pod's status.phase, as far as an autoscaler tells them apart.
type Phase int

// The phases.
const (
	PhaseUnknown Phase = iota
	PodPending
	PodRunning
	PodFailed
	numPhases
)

func (p Phase) String() string {
	names := [numPhases]string{"unknown", "pending", "running", "failed"}
	if p < 0 || p >= numPhases {
		return names[PhaseUnknown]
	}
	return names[p]
}
