// What the cluster's own tests run in pods: it ends, waits, fills its memory or asks a URL, as its first argument says.
//
//	workload exit CODE          ends at once with CODE
//	workload wait SECONDS       ends with 0 after SECONDS; on SIGTERM at once with 75, like a trainer that stopped after a checkpoint
//	workload allocate MEBIBYTES touches that much memory and ends with 0
//	workload job FOLDER CODE|forever MILLISECONDS stops|ignores
//	                            counts its start in FOLDER/starts, then ends with CODE after a while, or runs until SIGTERM (code 75, or never)
//	workload say CODE SENTENCE  leaves the sentence as the container's last words and ends with CODE
//	workload get URL            prints the status of an HTTP answer; HTTPS is verified against the pod's service account
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount/"

func main() {
	if len(os.Args) < 3 {
		fail(64, "expected one of exit, wait, allocate, job, say, get and its arguments; got %q", os.Args[1:])
	}
	switch verb, argument := os.Args[1], os.Args[2]; verb {
	case "exit":
		os.Exit(number(argument))
	case "wait":
		wait(time.Duration(number(argument)) * time.Second)
	case "allocate":
		allocate(number(argument))
	case "job":
		job(argument, os.Args[3:])
	case "say":
		say(number(argument), os.Args[3])
	case "get":
		get(argument)
	default:
		fail(64, "expected one of exit, wait, allocate, job, say, get; got %q", verb)
	}
}

func wait(limit time.Duration) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	select {
	case <-stop:
		fail(75, "stopped by SIGTERM")
	case <-time.After(limit):
	}
}

func job(folder string, plan []string) {
	if len(plan) != 3 {
		fail(64, "expected FOLDER CODE|forever MILLISECONDS stops|ignores, got %q", plan)
	}
	stop := make(chan os.Signal, 1)
	if plan[2] == "ignores" {
		signal.Ignore(syscall.SIGTERM)
	} else {
		signal.Notify(stop, syscall.SIGTERM)
	}
	starts, err := os.OpenFile(folder+"/starts", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		fail(74, "%v", err)
	}
	if _, err := starts.WriteString("start\n"); err != nil {
		fail(74, "%v", err)
	}
	// A program that waits for nothing at all is ended by the runtime of Go as a deadlock.
	code, after := 0, 365*24*time.Hour
	if plan[0] != "forever" {
		code, after = number(plan[0]), time.Duration(number(plan[1]))*time.Millisecond
	}
	select {
	case <-stop:
		os.Exit(75)
	case <-time.After(after):
		os.Exit(code)
	}
}

func say(code int, sentence string) {
	if err := os.WriteFile(os.Getenv("LETHE_TERMINATION_MESSAGE"), []byte(sentence), 0o666); err != nil {
		fail(74, "%v", err)
	}
	os.Exit(code)
}

// allocate keeps what it allocates and writes every page, for memory that is never touched costs nothing.
func allocate(mebibytes int) {
	kept := make([][]byte, 0, mebibytes)
	for range mebibytes {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
		time.Sleep(2 * time.Millisecond)
	}
	fmt.Printf("allocated %d MiB\n", len(kept))
}

func get(url string) {
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		fail(64, "%v", err)
	}
	roots := x509.NewCertPool()
	if authority, err := os.ReadFile(serviceAccount + "ca.crt"); err == nil {
		roots.AppendCertsFromPEM(authority)
	}
	if token, err := os.ReadFile(serviceAccount + "token"); err == nil {
		request.Header.Set("Authorization", "Bearer "+string(token))
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	answer, err := client.Do(request)
	if err != nil {
		fail(69, "%v", err)
	}
	fmt.Println(answer.Status)
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	if err != nil {
		fail(64, "expected a whole number, got %q", text)
	}
	return value
}

func fail(code int, format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(code)
}
