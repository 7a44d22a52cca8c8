package plant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// profileFile is a file of profiles.
type profileFile struct {
	Profiles []json.RawMessage `json:"profiles"`
}

// profileFields are a profile as a file has it.
type profileFields struct {
	Name string `json:"name"`
	// Like is the profile that the fields come from which are not given.
	Like          string  `json:"like,omitempty"`
	Model         string  `json:"model"`
	GPU           string  `json:"gpu"`
	GPUs          int     `json:"gpus"`
	GPUMemoryMiB  int     `json:"gpuMemoryMiB"`
	USDPerGPUHour float64 `json:"usdPerGPUHour"`

	KVTokens            int `json:"kvTokens"`
	KVBytesPerToken     int `json:"kvBytesPerToken"`
	MaxModelLen         int `json:"maxModelLen"`
	MaxNumBatchedTokens int `json:"maxNumBatchedTokens"`
	MaxNumSeqs          int `json:"maxNumSeqs"`

	AsyncScheduling           bool    `json:"asyncScheduling"`
	FrontEndMillis            float64 `json:"frontEndMillis"`
	FrontEndMicrosPerSequence float64 `json:"frontEndMicrosPerSequence"`

	Step      stepFields  `json:"step"`
	ColdStart startFields `json:"coldStart"`
}

type stepFields struct {
	AlphaDMillis float64 `json:"alphaDMillis"`
	DeltaDMicros float64 `json:"deltaDMicros"`
	GammaDNanos  float64 `json:"gammaDNanos"`
	AlphaMMillis float64 `json:"alphaMMillis"`
	BetaMicros   float64 `json:"betaMicros"`
	DeltaMMicros float64 `json:"deltaMMicros"`
	GammaMNanos  float64 `json:"gammaMNanos"`
	QNanos       float64 `json:"qNanos"`
	HostMicros   float64 `json:"hostMicros"`
}

type startFields struct {
	Schedule phaseFields `json:"schedule"`
	Pull     phaseFields `json:"pull"`
	Load     phaseFields `json:"load"`
	Compile  phaseFields `json:"compile"`
	Ready    phaseFields `json:"ready"`
}

type phaseFields struct {
	MeanSeconds float64 `json:"meanSeconds"`
	CV          float64 `json:"cv"`
}

// Extend adds the profiles of a file, which is JSON: {"profiles": [{"name": …}, …]},
// with the fields that MarshalJSON writes. A profile that says "like" another takes
// the fields from it that it does not give itself.
func (all Catalog) Extend(file []byte) (Catalog, error) {
	var f profileFile
	if err := decodeStrictly(file, &f); err != nil {
		return nil, err
	}
	if len(f.Profiles) == 0 {
		return nil, errors.New(`no profiles: write {"profiles": [{"name": …}]}`)
	}
	extended := slices.Clone(all)
	for i, raw := range f.Profiles {
		p, err := extended.parse(raw)
		if err != nil {
			return nil, fmt.Errorf("profile %d: %w", i+1, err)
		}
		extended = append(extended, p)
	}
	extended.sort()
	return extended, nil
}

func (all Catalog) parse(raw []byte) (Profile, error) {
	var head struct{ Name, Like string }
	if err := json.Unmarshal(raw, &head); err != nil {
		return Profile{}, plainJSONError(err)
	}
	if head.Name == "" {
		return Profile{}, errors.New("name is missing")
	}
	in := func(err error) error { return fmt.Errorf("%s: %w", head.Name, err) }
	if slices.ContainsFunc(all, func(p Profile) bool { return p.Name == head.Name }) {
		return Profile{}, in(fmt.Errorf("there is one of this name already; give it another and say like: %s", head.Name))
	}
	var fields profileFields
	if head.Like != "" {
		like, err := all.Find(head.Like, 0)
		if err != nil {
			return Profile{}, in(fmt.Errorf("like: %w", err))
		}
		fields = like.fields()
	}
	if err := decodeStrictly(raw, &fields); err != nil {
		return Profile{}, in(err)
	}
	p, err := fields.profile()
	if err != nil {
		return Profile{}, in(err)
	}
	if err := p.Validate(); err != nil {
		return Profile{}, in(err)
	}
	return p, nil
}

// decodeStrictly refuses fields that are unknown, and anything after the value.
func decodeStrictly(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return plainJSONError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the end")
	}
	return nil
}

// plainJSONError says what is wrong in the words of the file, not of Go.
func plainJSONError(err error) error {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("%s: a %s cannot be its value", wrong.Field, wrong.Value)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file is empty or ends too early")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

// MarshalJSON writes a profile as Extend reads it.
func (p Profile) MarshalJSON() ([]byte, error) { return json.Marshal(p.fields()) }

func (p Profile) fields() profileFields {
	phase := func(p Phase) phaseFields { return phaseFields{p.Mean.Seconds(), p.CV} }
	return profileFields{
		Name: p.Name, Model: p.Model, GPU: p.GPU, GPUs: p.GPUs, GPUMemoryMiB: p.GPUMemoryMiB, USDPerGPUHour: p.USDPerGPUHour,
		KVTokens: p.KVTokens, KVBytesPerToken: p.KVBytesPerToken,
		MaxModelLen: p.MaxModelLen, MaxNumBatchedTokens: p.MaxNumBatchedTokens, MaxNumSeqs: p.MaxNumSeqs,
		AsyncScheduling: p.AsyncScheduling,
		FrontEndMillis:  p.FrontEnd.Seconds() * 1e3, FrontEndMicrosPerSequence: p.FrontEndPerSequence.Seconds() * 1e6,
		Step: stepFields(p.Cost),
		ColdStart: startFields{
			phase(p.ColdStart.Schedule), phase(p.ColdStart.Pull), phase(p.ColdStart.Load),
			phase(p.ColdStart.Compile), phase(p.ColdStart.Ready),
		},
	}
}

// profile refuses only times that a Duration cannot hold; the rest is Validate's.
func (f profileFields) profile() (Profile, error) {
	c := f.ColdStart
	for _, t := range []struct {
		name    string
		seconds float64
	}{
		{"frontEndMillis", f.FrontEndMillis / 1e3}, {"frontEndMicrosPerSequence", f.FrontEndMicrosPerSequence / 1e6},
		{"coldStart.schedule", c.Schedule.MeanSeconds}, {"coldStart.pull", c.Pull.MeanSeconds}, {"coldStart.load", c.Load.MeanSeconds},
		{"coldStart.compile", c.Compile.MeanSeconds}, {"coldStart.ready", c.Ready.MeanSeconds},
	} {
		if !(t.seconds >= 0 && t.seconds <= 86400) {
			return Profile{}, fmt.Errorf("%s is %v s, must be from 0 to a day", t.name, t.seconds)
		}
	}
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)).Round(time.Nanosecond) }
	phase := func(p phaseFields) Phase { return Phase{Mean: seconds(p.MeanSeconds), CV: p.CV} }
	return Profile{
		Name: f.Name, Model: f.Model, GPU: f.GPU, GPUs: f.GPUs, GPUMemoryMiB: f.GPUMemoryMiB, USDPerGPUHour: f.USDPerGPUHour,
		KVTokens: f.KVTokens, KVBytesPerToken: f.KVBytesPerToken,
		MaxModelLen: f.MaxModelLen, MaxNumBatchedTokens: f.MaxNumBatchedTokens, MaxNumSeqs: f.MaxNumSeqs,
		AsyncScheduling: f.AsyncScheduling,
		FrontEnd:        seconds(f.FrontEndMillis / 1e3), FrontEndPerSequence: seconds(f.FrontEndMicrosPerSequence / 1e6),
		Cost: StepCost(f.Step),
		ColdStart: ColdStart{
			Schedule: phase(c.Schedule), Pull: phase(c.Pull), Load: phase(c.Load), Compile: phase(c.Compile), Ready: phase(c.Ready),
		},
	}, nil
}
