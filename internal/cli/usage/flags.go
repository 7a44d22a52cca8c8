package usage

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flyball-dev/flyball/internal/hint"
)

// explainFlag says what is wrong with a flag, without the words of the parser.
func explainFlag(cmd *cobra.Command, err error) error {
	if missing, ok := errors.AsType[*pflag.NotExistError](err); ok {
		word := missing.GetSpecifiedName()
		if missing.GetSpecifiedShortnames() != "" {
			return hint.With(fmt.Errorf("%s has no flag -%s", name(cmd), word), "%s --help lists the flags", cmd.CommandPath())
		}
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		return hint.Meant(fmt.Errorf("%s has no flag --%s", name(cmd), word), "--"+word, names, cmd.CommandPath()+" --help lists the flags")
	}
	if empty, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		f := empty.GetFlag()
		return hint.With(fmt.Errorf("--%s has no value", f.Name), "give %s: --%s %s", kindOf(f), f.Name, strings.ToUpper(f.Name))
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		f := invalid.GetFlag()
		if kind := kindOf(f); kind != "a value" {
			return hint.With(fmt.Errorf("--%s: %q is not %s", f.Name, invalid.GetValue(), kind), "%s --help says what each flag takes", cmd.CommandPath())
		}
		return hint.With(fmt.Errorf("--%s: %q: %w", f.Name, invalid.GetValue(), errors.Unwrap(invalid)), "%s --help says what each flag takes", cmd.CommandPath())
	}
	return hint.With(err, "%s --help lists the flags", cmd.CommandPath())
}

// kindOf is what a flag takes.
func kindOf(f *pflag.Flag) string {
	switch f.Value.Type() {
	case "int", "uint64", "uint32", "uint16", "int64", "int32":
		return "a whole number"
	case "float64":
		return "a number"
	case "duration":
		return "a time, as 90s or 10m"
	case "bool":
		return "true or false"
	case "quantity":
		return "an amount, as 64Mi"
	case "stringToString":
		return "NAME=VALUE"
	default:
		return "a value"
	}
}

// The annotations by which cobra keeps what a command says of its flags.
const (
	exclusive = "cobra_annotation_mutually_exclusive"
	oneOf     = "cobra_annotation_one_required"
)

// groups checks what cobra would check next, and says it in our words.
func groups(cmd *cobra.Command) error {
	if missing := required(cmd); missing != "" {
		return hint.With(fmt.Errorf("--%s is missing", missing), "for example %s", firstExample(cmd))
	}
	for _, group := range named(cmd, exclusive) {
		if given := changed(cmd, group); len(given) > 1 {
			return hint.With(fmt.Errorf("%s exclude each other", listed(given, "and")), "give one of %s", listed(group, "and"))
		}
	}
	for _, group := range named(cmd, oneOf) {
		if len(changed(cmd, group)) == 0 {
			return hint.With(fmt.Errorf("one of %s is missing", listed(group, "and")), "for example %s", firstExample(cmd))
		}
	}
	return nil
}

func required(cmd *cobra.Command) string {
	missing := ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if _, needed := f.Annotations[cobra.BashCompOneRequiredFlag]; needed && !f.Changed && missing == "" {
			missing = f.Name
		}
	})
	return missing
}

// named are the groups of an annotation, in the order of their first flags' names.
func named(cmd *cobra.Command, annotation string) [][]string {
	seen := map[string]bool{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		for _, group := range f.Annotations[annotation] {
			seen[group] = true
		}
	})
	var all [][]string
	for _, group := range slices.Sorted(maps.Keys(seen)) {
		all = append(all, strings.Fields(group))
	}
	return all
}

func changed(cmd *cobra.Command, names []string) []string {
	var given []string
	for _, name := range names {
		if cmd.Flags().Changed(name) {
			given = append(given, name)
		}
	}
	return given
}

// listed writes flags as --a, --b and --c.
func listed(names []string, last string) string {
	flags := make([]string, len(names))
	for i, name := range names {
		flags[i] = "--" + name
	}
	if n := len(flags); n > 1 {
		return strings.Join(flags[:n-1], ", ") + " " + last + " " + flags[n-1]
	}
	return strings.Join(flags, "")
}
