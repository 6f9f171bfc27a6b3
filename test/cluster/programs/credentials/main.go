// Writes what the parts of one test cluster prove their identity with: a certificate authority, the API server's
// certificate, the key that signs service-account tokens, one bearer token and kubeconfig for each part.
//
//	credentials FOLDER SERVER NODES ADDRESS...
//
// SERVER is the URL in the kubeconfigs; the certificate is valid for every ADDRESS. Keys live as long as a cluster: minutes.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintf(os.Stderr, "expected FOLDER SERVER NODES ADDRESS..., got %q\n", os.Args[1:])
		os.Exit(2)
	}
	folder, server, addresses := os.Args[1], os.Args[2], os.Args[4:]
	nodes := must(strconv.Atoi(os.Args[3]))

	authorityKey := newKey()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lethe test cluster"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	authorityDER := must(x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey))
	authorityPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER})
	write(folder, "ca.crt", authorityPEM)

	serverKey := newKey()
	certificate := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "kube-apiserver"},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"},
	}
	for _, address := range addresses {
		certificate.IPAddresses = append(certificate.IPAddresses, net.ParseIP(address))
	}
	serverDER := must(x509.CreateCertificate(rand.Reader, certificate, authority, serverKey.Public(), authorityKey))
	write(folder, "server.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: serverDER}))
	write(folder, "server.key", keyPEM(serverKey))
	write(folder, "service-accounts.key", keyPEM(newKey()))

	var tokens strings.Builder
	identity := func(file, user, groups string) {
		random := make([]byte, 16)
		must(rand.Read(random))
		token := hex.EncodeToString(random)
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, user, file, groups)
		write(folder, file+".kubeconfig", kubeconfig(server, authorityPEM, token))
	}
	identity("admin", "admin", "system:masters")
	identity("controller-manager", "system:kube-controller-manager", "")
	identity("scheduler", "system:kube-scheduler", "")
	for node := 1; node <= nodes; node++ {
		identity(fmt.Sprintf("n%d", node), fmt.Sprintf("system:node:n%d", node), "system:nodes")
	}
	write(folder, "tokens.csv", []byte(tokens.String()))
}

// kubeconfig is JSON, which every reader of kubeconfigs takes as YAML.
func kubeconfig(server string, authority []byte, token string) []byte {
	return must(json.MarshalIndent(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"contexts": []any{map[string]any{"name": "test", "context": map[string]any{"cluster": "test", "user": "user"}}},
		"clusters": []any{map[string]any{"name": "test", "cluster": map[string]any{"server": server, "certificate-authority-data": authority}}},
		"users":    []any{map[string]any{"name": "user", "user": map[string]any{"token": token}}},
	}, "", "  "))
}

func newKey() *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
}

func keyPEM(key *ecdsa.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(key))})
}

func write(folder, name string, content []byte) {
	if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}
