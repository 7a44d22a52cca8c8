//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	serviceAccountMount = "/var/run/secrets/kubernetes.io/serviceaccount"
	kubeconfigFile      = "kubeconfig" // beside the token
)

// content is what one volume holds; a nil payload is a directory of the pod's own.
type content struct {
	name  string
	files payload
}

// mount writes what the pod's volumes hold now into each container's file system, and only what
// has changed since the last call. Directories come first: a file may be mounted inside one.
func (w *worker) mount(ctx context.Context) error {
	var dirs, files []content
	for _, v := range w.pod.Spec.Volumes {
		p, err := w.volume(ctx, v)
		switch {
		case err != nil:
			return fmt.Errorf("volume %q: %w", v.Name, err)
		case p == nil:
			dirs = append(dirs, content{name: v.Name})
		default:
			files = append(files, content{v.Name, p})
		}
	}
	for _, vol := range slices.Concat(dirs, files) {
		for _, c := range w.containers() {
			if err := w.mountInto(c, vol); err != nil {
				return fmt.Errorf("volume %q: %w", vol.name, err)
			}
		}
	}
	return nil
}

func (w *worker) mountInto(c *container, vol content) error {
	for _, m := range c.spec.VolumeMounts {
		if m.Name != vol.name {
			continue
		}
		written, again := c.mounted[m.MountPath]
		if again && (vol.files == nil || m.SubPath != "" || written.equal(vol.files)) {
			continue // a subPath mount is never refreshed, as in the kubelet
		}
		if err := w.writeMount(c.view.path(m.MountPath), m, vol); err != nil {
			return fmt.Errorf("mounting into container %s: %w", c.spec.Name, err)
		}
		c.mounted[m.MountPath] = vol.files
	}
	return nil
}

func (w *worker) writeMount(target string, m corev1.VolumeMount, vol content) error {
	switch {
	case vol.files == nil:
		return linkDirectory(filepath.Join(w.dir, "volumes", vol.name, m.SubPath), target)
	case m.SubPath == "":
		return writeAtomic(target, vol.files)
	}
	f, ok := vol.files[m.SubPath]
	if !ok {
		return fmt.Errorf("there is no %q for the subPath", m.SubPath)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, f.data, f.mode)
}

// linkDirectory makes target a link to dir, which the pod's containers share. An empty directory
// that already stands there (/tmp) is replaced.
func linkDirectory(dir, target string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(dir, target)
}

// volume reads what a volume holds now.
func (w *worker) volume(ctx context.Context, v corev1.Volume) (payload, error) {
	src := w.sources(nil)
	switch {
	case v.Secret != nil:
		return keysOf(selection{v.Secret.SecretName, v.Secret.Items, v.Secret.DefaultMode, isTrue(v.Secret.Optional)}, src.secret, src.missing)
	case v.ConfigMap != nil:
		return keysOf(selection{v.ConfigMap.Name, v.ConfigMap.Items, v.ConfigMap.DefaultMode, isTrue(v.ConfigMap.Optional)}, src.configMap, src.missing)
	case v.DownwardAPI != nil:
		return w.downward(v.DownwardAPI.Items, v.DownwardAPI.DefaultMode)
	case v.Projected != nil:
		return w.projected(ctx, v.Projected)
	}
	return nil, nil
}

func (w *worker) projected(ctx context.Context, p *corev1.ProjectedVolumeSource) (payload, error) {
	src, all := w.sources(nil), payload{}
	for _, s := range p.Sources {
		var files payload
		var err error
		switch {
		case s.Secret != nil:
			files, err = keysOf(selection{s.Secret.Name, s.Secret.Items, p.DefaultMode, isTrue(s.Secret.Optional)}, src.secret, src.missing)
		case s.ConfigMap != nil:
			files, err = keysOf(selection{s.ConfigMap.Name, s.ConfigMap.Items, p.DefaultMode, isTrue(s.ConfigMap.Optional)}, src.configMap, src.missing)
		case s.DownwardAPI != nil:
			files, err = w.downward(s.DownwardAPI.Items, p.DefaultMode)
		case s.ServiceAccountToken != nil:
			files, err = w.tokenFiles(ctx, s.ServiceAccountToken)
		default:
			err = errors.New("this kind of projected source is not supported by the lab")
		}
		if err != nil {
			return nil, err
		}
		maps.Copy(all, files)
	}
	return all, nil
}

// selection is what a volume takes of a Secret or ConfigMap.
type selection struct {
	object   string
	items    []corev1.KeyToPath
	mode     *int32
	optional bool
}

func keysOf(s selection, get func(string) (map[string]string, error), missing func(error) bool) (payload, error) {
	values, err := get(s.object)
	if err != nil {
		if s.optional && missing(err) {
			return payload{}, nil
		}
		return nil, err
	}
	files := payload{}
	if len(s.items) == 0 {
		for k, v := range values {
			files[k] = file{[]byte(v), modeOf(s.mode, nil)}
		}
		return files, nil
	}
	for _, item := range s.items {
		v, ok := values[item.Key]
		if !ok && !s.optional {
			return nil, fmt.Errorf("%q has no key %q", s.object, item.Key)
		}
		if ok {
			files[item.Path] = file{[]byte(v), modeOf(s.mode, item.Mode)}
		}
	}
	return files, nil
}

func (w *worker) downward(items []corev1.DownwardAPIVolumeFile, mode *int32) (payload, error) {
	files := payload{}
	for _, item := range items {
		var value string
		var err error
		if item.FieldRef != nil {
			value, err = w.sources(nil).field(item.FieldRef.FieldPath)
		} else if item.ResourceFieldRef != nil {
			i := slices.IndexFunc(w.pod.Spec.Containers, func(c corev1.Container) bool { return c.Name == item.ResourceFieldRef.ContainerName })
			if i < 0 {
				return nil, fmt.Errorf("there is no container %q", item.ResourceFieldRef.ContainerName)
			}
			value, err = w.sources(&w.pod.Spec.Containers[i]).resource(item.ResourceFieldRef)
		}
		if err != nil {
			return nil, err
		}
		files[item.Path] = file{[]byte(value), modeOf(mode, item.Mode)}
	}
	return files, nil
}

func modeOf(whole, one *int32) fs.FileMode {
	switch {
	case one != nil:
		return fs.FileMode(*one) & fs.ModePerm
	case whole != nil:
		return fs.FileMode(*whole) & fs.ModePerm
	}
	return 0o644
}

// mountPaths lists the paths that exist in a container: its mounts and /tmp. For a model server
// the path of an empty directory, which would hold the model, stays the name that its clients
// may know the model by.
func mountPaths(c *corev1.Container, volumes []corev1.Volume, modelServer bool) []string {
	paths := []string{"/tmp"}
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
		if modelServer && i >= 0 && !hasFiles(volumes[i]) {
			continue
		}
		paths = append(paths, strings.TrimSuffix(m.MountPath, "/"))
	}
	return paths
}

func hasFiles(v corev1.Volume) bool {
	return v.Secret != nil || v.ConfigMap != nil || v.DownwardAPI != nil || v.Projected != nil
}
