package numbers

import "github.com/flyball-dev/flyball/internal/manifest"

// OfScaledObject are the triggers' thresholds, or the one target of their formula.
func OfScaledObject(d *manifest.Document) []manifest.Field {
	if modifiers := d.Get("spec", "advanced", "scalingModifiers"); modifiers.Get("formula").Text() != "" {
		return []manifest.Field{modifiers.Get("target")}
	}
	var all []manifest.Field
	for _, trigger := range d.Get("spec", "triggers").Items() {
		for _, key := range []string{"threshold", "value"} {
			if f := trigger.Get("metadata", key); f.OK() {
				all = append(all, f)
			}
		}
	}
	return all
}

// OfMetrics are those of an HPA's metrics, or of a service's, which look alike.
func OfMetrics(metrics manifest.Field) []manifest.Field {
	var all []manifest.Field
	for _, m := range metrics.Items() {
		for _, kind := range []string{"resource", "pods", "object", "external", "containerResource"} {
			for _, key := range []string{"averageUtilization", "averageValue", "value"} {
				if f := m.Get(kind, "target", key); f.OK() {
					all = append(all, f)
				}
			}
		}
	}
	return all
}
