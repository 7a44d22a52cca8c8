// Package report writes the results of simulated runs as one HTML file, drawn as the live page is.
//
// INV-1: the file is whole: it asks no network for a script, a style, a font or an image.
// INV-2: text that comes from manifests and names is text, in the document and in its data.
// INV-3: the same Data gives the same bytes.
// INV-4: verdict, facts, table and legends are read without a script; the charts alone need it.
//
// It deliberately computes nothing: what is drawn and what stands in the table is given.
package report
