package authority

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Pool is what a file has in PEM form.
func Pool(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err // it names the file
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("there is no certificate in %s: give a file in PEM form, with BEGIN CERTIFICATE", file)
	}
	return pool, nil
}
