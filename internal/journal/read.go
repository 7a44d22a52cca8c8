package journal

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
)

// Parts are the files of a record, for a record.Reader: of a folder those of the kinds, of
// each kind from the oldest to the newest, or else the one that was named. Each is opened
// when it is read.
type Parts []string

// Find is the parts of a file or a journal's folder.
func Find(path string, kinds ...Kind) (Parts, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return Parts{path}, nil
	}
	var all Parts
	err = filepath.WalkDir(path, func(folder string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		for _, kind := range kinds {
			files, err := list(folder, kind)
			if err != nil {
				return err
			}
			for _, f := range files {
				all = append(all, f.path)
			}
		}
		return nil
	})
	return all, err
}

// Readers are of the parts, in their order.
func (p Parts) Readers() []io.Reader {
	all := make([]io.Reader, len(p))
	for i, path := range p {
		all[i] = &part{path: path}
	}
	return all
}

// A part is a file that is opened when it is first read and closed at its end.
type part struct {
	path string
	file *os.File
	text io.Reader
	err  error
}

// Read reads the text of the file, which may be compressed.
func (p *part) Read(into []byte) (int, error) {
	if p.err == nil && p.text == nil {
		p.err = p.open()
	}
	if p.err != nil {
		return 0, p.err
	}
	n, err := p.text.Read(into)
	if err != nil {
		p.err = err
		p.file.Close() // it was only read
	}
	return n, err
}

func (p *part) open() error {
	file, err := os.Open(p.path)
	if errors.Is(err, fs.ErrNotExist) { // compressed meanwhile
		file, err = os.Open(p.path + ".gz")
	}
	if err != nil {
		return err
	}
	p.file = file
	buffered := bufio.NewReader(file)
	p.text = buffered
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) { // shorter: not compressed
		if p.text, err = gzip.NewReader(buffered); err != nil {
			file.Close()
			return fmt.Errorf("%s: %w", p.path, err)
		}
	}
	return nil
}
