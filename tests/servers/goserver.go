// A TLS server with a session ticket key of our own: ADDRESS CERTIFICATE KEYFILE.
package main

import (
	"crypto/tls"
	"io"
	"net"
	"os"
)

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[2])
	if err != nil {
		panic(err)
	}
	raw, err := os.ReadFile(os.Args[3])
	if err != nil {
		panic(err)
	}
	var key [32]byte
	copy(key[:], raw)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	config.SetSessionTicketKeys([][32]byte{key})
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			server := tls.Server(connection, config)
			io.Copy(io.Discard, server)
			server.Close()
		}()
	}
}
