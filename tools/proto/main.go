// Command proto writes the Go of a .proto file beside it, with protoc-gen-go and
// protoc-gen-go-grpc as this module pins them. It is protoc without a download: the compiler
// is buf's, a Go module like all else.
//
//	proto -in internal/scaler/externalscaler/externalscaler.proto
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("proto: ")
	in := flag.String("in", "", "the .proto file")
	flag.Parse()
	if err := run(context.Background(), *in); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, in string) error {
	if in == "" {
		return errors.New("give -in FILE.proto")
	}
	files, err := generate(ctx, in)
	if err != nil {
		return err
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns what both generators make of a file, by path.
func generate(ctx context.Context, in string) (map[string]string, error) {
	dir, name := filepath.Split(in)
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{dir}}),
		SourceInfoMode: protocompile.SourceInfoStandard, // the comments
	}
	compiled, err := c.Compile(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", in, err)
	}
	req := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{name},
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{protoutil.ProtoFromFileDescriptor(compiled[0])},
	}
	files := map[string]string{}
	for _, plugin := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		made, err := ask(ctx, plugin, req)
		if err != nil {
			return nil, fmt.Errorf("running %s on %s: %w", plugin, in, err)
		}
		for _, f := range made {
			files[filepath.Join(dir, f.GetName())] = f.GetContent()
		}
	}
	return files, nil
}

// ask runs one of this module's tools, which speak protobuf on stdin and stdout.
func ask(ctx context.Context, plugin string, req *pluginpb.CodeGeneratorRequest) ([]*pluginpb.CodeGeneratorResponse_File, error) {
	in, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", plugin)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var res pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &res); err != nil {
		return nil, err
	}
	if res.Error != nil {
		return nil, errors.New(res.GetError())
	}
	return res.GetFile(), nil
}
