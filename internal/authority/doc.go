// Package authority reads whose certificates are to be trusted.
//
// INV-1: a file is read each time, so that who asks for each connection goes on over a
// rotation; what is wrong with it is said with its name and what it should be.
//
// It deliberately does not know who is trusted with what, nor which flag names the file.
package authority
