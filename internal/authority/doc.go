// Package authority makes certificates, and reads whose are to be trusted.
//
// INV-1: a file is read each time, so that who asks for each connection goes on over a
// rotation; what is wrong with it is said with its name and what it should be.
// INV-2: what an authority has signed is good for its names and until its time, and for those
// who trust that authority; its key is kept nowhere.
//
// It deliberately does not know who is trusted with what, nor which flag names the file.
package authority
