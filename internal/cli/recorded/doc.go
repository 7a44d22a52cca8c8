// Package recorded has the commands that read a record of decisions, flyball why and
// flyball replay, and tells the live page what they tell.
//
// INV-1: what of a record cannot be read is said on stderr, and the rest is told.
// INV-2: of a cluster all scalers are asked, and what their records lack is said: a scaler
// that does not tell, decisions that were not written down, and the time before they begin.
//
// It deliberately computes nothing of what it prints.
package recorded
