// Package drawn puts plots side by side into one SVG, in the colours of Okabe and Ito, which
// people tell apart who do not see all colours.
//
// INV-1: whatever the names and numbers, what comes back is an XML document, or an error.
//
// It deliberately knows nothing of what is drawn.
package drawn
