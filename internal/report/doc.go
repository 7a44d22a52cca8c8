// Package report writes the results of simulated runs as one HTML file.
//
// INV-1: the file is whole: it asks no network for a script, a style, a font or an
// image.
// INV-2: text that comes from manifests and names is escaped.
// INV-3: the same Data gives the same bytes.
//
// It deliberately computes nothing but the places of lines: what is drawn and what
// stands in the table is given.
package report
