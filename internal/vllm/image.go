package vllm

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// serverImage begins the name of the images that the vLLM project builds; their tags are
// its versions, and their entrypoint is its server.
const serverImage = "vllm-openai"

// A Version is vLLM's. The zero Version is not known.
type Version struct{ Major, Minor int }

// Oldest and Newest are the versions whose options and scheduler are known here.
var (
	Oldest = Version{0, 8}
	Newest = Version{0, 32}
)

// VersionOf reads it from the tag of an image of the vLLM project's, such as v0.23.0.
func VersionOf(image string) Version {
	if !strings.HasPrefix(imageName(image), serverImage) {
		return Version{}
	}
	image, _, _ = strings.Cut(image, "@")
	_, tag, _ := strings.Cut(path.Base(image), ":")
	major, rest, _ := strings.Cut(strings.TrimPrefix(tag, "v"), ".")
	minor, _, more := strings.Cut(rest, ".")
	x, errX := strconv.Atoi(major)
	y, errY := strconv.Atoi(minor)
	if errX != nil || errY != nil || !more {
		return Version{}
	}
	return Version{x, y}
}

func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Since tells whether a version is known to be this one or later.
func (v Version) Since(major, minor int) bool {
	return v != Version{} && (v.Major > major || v.Major == major && v.Minor >= minor)
}

// Before tells whether a version is known to be an earlier one.
func (v Version) Before(major, minor int) bool { return v != Version{} && !v.Since(major, minor) }

// imageName leaves out registry, folder, tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	name, _, _ := strings.Cut(path.Base(image), ":")
	return name
}
