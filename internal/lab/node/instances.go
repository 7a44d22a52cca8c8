//go:build linux

package node

import (
	"cmp"
	"os"
	"slices"
	"sync"
)

type instanceKey struct{ namespace, pod, container string }

// instance is the latest run of a container. Its output begins at byte from of the log file;
// before that lies the output of the run before, from previous on.
type instance struct {
	process        process
	log            string
	previous, from int64
}

// instances lets the log endpoint and Usage see what the workers run.
type instances struct {
	mu    sync.Mutex
	byKey map[instanceKey]instance
}

// opened notes, before a container starts, where its output will begin.
func (i *instances) opened(key instanceKey, log string) {
	var size int64
	if info, err := os.Stat(log); err == nil {
		size = info.Size()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	previous := size
	if old, ok := i.byKey[key]; ok {
		previous = old.from
	}
	i.byKey[key] = instance{log: log, previous: previous, from: size}
}

func (i *instances) started(key instanceKey, p process) {
	i.mu.Lock()
	defer i.mu.Unlock()
	in := i.byKey[key]
	in.process = p
	i.byKey[key] = in
}

func (i *instances) of(key instanceKey) (instance, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	in, ok := i.byKey[key]
	return in, ok
}

func (i *instances) drop(namespace, pod string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key := range i.byKey {
		if key.namespace == namespace && key.pod == pod {
			delete(i.byKey, key)
		}
	}
}

// Usage is the resident memory of one container's process, in bytes.
type Usage struct {
	Namespace, Pod, Container string
	Pid                       int
	RSS                       int64
}

// Usage lists the running containers by namespace, pod and container.
func (a *Agent) Usage() []Usage {
	a.instances.mu.Lock()
	defer a.instances.mu.Unlock()
	var list []Usage
	for key, in := range a.instances.byKey {
		if in.process == nil || in.process.Pid() == 0 || in.process.ExitCode() >= 0 {
			continue
		}
		list = append(list, Usage{key.namespace, key.pod, key.container, in.process.Pid(), in.process.RSS()})
	}
	slices.SortFunc(list, func(x, y Usage) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Pod, y.Pod), cmp.Compare(x.Container, y.Container))
	})
	return list
}
