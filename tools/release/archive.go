package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"fmt"
	"os"
	"path/filepath"
)

// An archive has one platform's command line tool.
type archive struct{ Name, OS, Arch string }

// archives packs each program that is called flyball, with Flyball's own licence and those
// of what it holds. The same programs give the same bytes.
func archives(dist, licence string, notices []byte, programs []string) ([]archive, error) {
	own, err := os.ReadFile(licence)
	if err != nil {
		return nil, err
	}
	var all []archive
	for _, p := range programs {
		if filepath.Base(p) != "flyball" {
			continue
		}
		a, err := platform(p)
		if err != nil {
			return nil, err
		}
		program, err := os.ReadFile(p)
		if err != nil {
			return nil, err
		}
		data, err := packed([]file{{"flyball", 0o755, program}, {"LICENSE", 0o644, own}, {"THIRD_PARTY_NOTICES.txt", 0o644, notices}})
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dist, a.Name), data, 0o644); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// platform is what a program was built for, as the linker wrote it down.
func platform(program string) (archive, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return archive{}, fmt.Errorf("reading %s: %w", program, err)
	}
	var a archive
	for _, s := range info.Settings {
		switch s.Key {
		case "GOOS":
			a.OS = s.Value
		case "GOARCH":
			a.Arch = s.Value
		}
	}
	a.Name = "flyball_" + a.OS + "_" + a.Arch + ".tar.gz"
	return a, nil
}

type file struct {
	name string
	mode int64
	data []byte
}

// packed is a tar.gz without times and owners.
func packed(files []file) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data)), Typeflag: tar.TypeReg}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}
