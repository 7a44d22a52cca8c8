package input

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/flyball-dev/flyball/data"
	"github.com/flyball-dev/flyball/internal/cli/terminal"
	"github.com/flyball-dev/flyball/internal/hint"
	"github.com/flyball-dev/flyball/internal/workload"
)

// Workload is the workload that a word of the command line means: a file that is
// there, - for in, or what workload.Find knows.
func Workload(text string, in io.Reader) (workload.Workload, error) {
	if text == "-" {
		return readWorkload(in, "standard input")
	}
	if info, err := os.Stat(text); err == nil && !info.IsDir() {
		f, err := os.Open(text)
		if err != nil {
			return workload.Workload{}, fmt.Errorf("reading workload %s: %w", text, terminal.Plain(err))
		}
		w, err := readWorkload(f, text)
		return w, errors.Join(err, f.Close())
	}
	w, err := workload.Find(text, openData)
	switch foreign, ok := errors.AsType[*workload.Foreign](err); {
	case ok:
		return w, hint.With(err, "%s", foreign.Instead)
	case errors.Is(err, workload.ErrUnknown):
		word, _, _ := strings.Cut(text, ":")
		names := workload.Kinds()
		for _, e := range workload.Library() {
			names = append(names, e.Name)
		}
		return w, hint.Meant(err, word, names, "flyball workload list shows the names; a file must exist, and a kind is one of "+strings.Join(workload.Kinds(), ", "))
	case errors.Is(err, fs.ErrNotExist):
		return w, hint.With(err, "name a file that is there, or one of those in docs/workload.md")
	case err != nil:
		return w, hint.With(err, "flyball workload describe --help lists the keys, docs/workload.md says what they mean")
	}
	return w, nil
}

func readWorkload(r io.Reader, name string) (workload.Workload, error) {
	text, err := unpack(r)
	if err != nil {
		return workload.Workload{}, fmt.Errorf("reading workload %s: %w", name, err)
	}
	if ext := filepath.Ext(name); ext == ".yaml" || ext == ".yml" {
		if text, err = asJSON(text); err != nil {
			return workload.Workload{}, fmt.Errorf("reading workload %s: %w", name, err)
		}
	}
	w, err := workload.Read(text, filepath.Base(name))
	if err == nil {
		return w, nil
	}
	instead := "fix the file, or see docs/workload.md for the formats that are read"
	if foreign, ok := errors.AsType[*workload.Foreign](err); ok {
		instead = foreign.Instead
	}
	return w, hint.With(fmt.Errorf("reading workload %s: %w", name, err), "%s", instead)
}

// unpack reads gzip as well as what is not packed.
func unpack(r io.Reader) (io.Reader, error) {
	in := bufio.NewReader(r)
	magic, _ := in.Peek(2) // a file too short to be packed is for the reader to refuse
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	return gzip.NewReader(in)
}

const maxYAML = 1 << 20 // bytes; a configuration, not a trace

func asJSON(r io.Reader) (io.Reader, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxYAML+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxYAML {
		return nil, fmt.Errorf("a YAML file of more than %d bytes is no configuration", maxYAML)
	}
	out, err := yaml.YAMLToJSON(text)
	return bytes.NewReader(out), err
}

// openData opens what a workload names: the embedded data before files of the disk.
func openData(name string) (io.ReadCloser, error) {
	f, err := data.Open(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, terminal.Plain(err))
	}
	text, err := unpack(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{text, file}, nil
}
