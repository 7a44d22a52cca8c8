package kserve

import (
	"fmt"
	"strconv"
)

// TargetField is where the target of a service's only metric stands, as a JSON pointer, and
// what it is; both are empty where there are none or several.
func TargetField(s *InferenceService) (pointer, value string) {
	a := s.Spec.Predictor.AutoScaling
	if a == nil || len(a.Metrics) != 1 {
		return "", ""
	}
	m, block, t := a.Metrics[0], "", Target{}
	switch {
	case m.External != nil:
		block, t = "external", m.External.Target
	case m.Resource != nil:
		block, t = "resource", m.Resource.Target
	}
	at := func(field string) string {
		return fmt.Sprintf("/spec/predictor/autoScaling/metrics/0/%s/target/%s", block, field)
	}
	switch {
	case t.Value != nil:
		return at("value"), t.Value.String()
	case t.AverageValue != nil:
		return at("averageValue"), t.AverageValue.String()
	case t.AverageUtilization != nil:
		return at("averageUtilization"), strconv.Itoa(int(*t.AverageUtilization))
	}
	return "", ""
}
