package main

import (
	"fmt"
	"os"
	"strings"

	"helm.sh/helm/v4/pkg/registry"
)

// send pushes a chart to a registry in the OCI form, as 'helm push' does, from where
// 'helm install oci://TO/flyball' takes it.
func send(chart, version, to string, options ...registry.ClientOption) error {
	folder, err := os.MkdirTemp("", "chart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	packed, err := pack(chart, version, folder)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(packed)
	if err != nil {
		return err
	}
	client, err := registry.NewClient(options...)
	if err != nil {
		return err
	}
	ref := strings.TrimPrefix(to, registry.OCIScheme+"://") + "/flyball:" + number(version)
	if _, err := client.Push(data, ref); err != nil {
		return fmt.Errorf("pushing to %s: %w", ref, err)
	}
	return nil
}
