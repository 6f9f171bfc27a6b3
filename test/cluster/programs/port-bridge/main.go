// Carries TCP connections from one network namespace to another, so that a cluster whose network touches nothing of the
// host can be reached from the host's loopback, and the host's loopback from the cluster.
//
//	port-bridge FILE LISTEN_NS LISTEN_ADDRESS DIAL_NS DIAL_ADDRESS
//
// A namespace is a path below /run/netns, or "-" for the one the program was started in. Once it listens, it writes the
// address it listens on to FILE; with port 0 the kernel chooses.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// within runs f in a network namespace. The namespace belongs to a thread, so f gets a thread of its own that is never
// unlocked and therefore ends with its goroutine instead of going back to the pool in the wrong namespace.
func within(namespace string, f func() error) error {
	result := make(chan error, 1)
	go func() {
		result <- func() error {
			if namespace != "-" {
				runtime.LockOSThread()
				handle, err := os.Open(namespace)
				if err != nil {
					return err
				}
				defer handle.Close()
				if err := unix.Setns(int(handle.Fd()), unix.CLONE_NEWNET); err != nil {
					return fmt.Errorf("enter %s: %w", namespace, err)
				}
			}
			return f()
		}()
	}()
	return <-result
}

// carry copies both ways until both sides have ended; the end of one direction is passed on, for `kubectl exec` needs half-closed connections.
func carry(a, b *net.TCPConn) {
	defer a.Close()
	defer b.Close()
	done := make(chan struct{})
	go func() {
		io.Copy(b, a)
		b.CloseWrite()
		close(done)
	}()
	io.Copy(a, b)
	a.CloseWrite()
	<-done
}

func main() {
	if len(os.Args) != 6 {
		fail("expected FILE LISTEN_NS LISTEN_ADDRESS DIAL_NS DIAL_ADDRESS, got %q", os.Args[1:])
	}
	file, listenNamespace, listenAddress, dialNamespace, dialAddress := os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]
	var listener net.Listener
	if err := within(listenNamespace, func() (err error) {
		listener, err = net.Listen("tcp", listenAddress)
		return err
	}); err != nil {
		fail("listen on %s in %s: %v", listenAddress, listenNamespace, err)
	}
	if err := os.WriteFile(file+".new", []byte(listener.Addr().String()), 0o644); err != nil {
		fail("%v", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		fail("%v", err)
	}
	for {
		accepted, err := listener.Accept()
		if err != nil {
			fail("accept on %s: %v", listenAddress, err)
		}
		go func() {
			var dialled net.Conn
			if err := within(dialNamespace, func() (err error) {
				dialled, err = net.Dial("tcp", dialAddress)
				return err
			}); err != nil {
				fmt.Fprintf(os.Stderr, "dial %s in %s: %v\n", dialAddress, dialNamespace, err)
				accepted.Close()
				return
			}
			carry(accepted.(*net.TCPConn), dialled.(*net.TCPConn))
		}()
	}
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}
