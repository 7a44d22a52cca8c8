package kserve

import (
	"net/url"
	"slices"
	"strings"
)

// Hosts are the names that KServe gives the service inside and outside.
func Hosts(s *InferenceService) []string {
	var all []string
	for _, name := range []string{s.Name, PredictorName(s.Name)} {
		short := name + "." + s.Namespace
		all = append(all, short, short+".svc", short+".svc.cluster.local")
	}
	for _, text := range []string{s.Status.URL, s.Status.Address.URL, s.Status.Components["predictor"].URL} {
		if u, err := url.Parse(text); err == nil && u.Hostname() != "" {
			all = append(all, strings.ToLower(u.Hostname()))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
