// Package aibrix is AIBrix' two pod autoscalers.
//
// INV-1: as coded a fall follows the least proposal of the window, as intended the greatest.
//
// It deliberately follows the code where the code and its intention differ, and has the
// intention as a parameter.
package aibrix
