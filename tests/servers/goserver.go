// A TLS server: ADDRESS CERTIFICATE [KEYFILE]. Without a key of ours Go makes its own.
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
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if len(os.Args) > 3 {
		raw, err := os.ReadFile(os.Args[3])
		if err != nil {
			panic(err)
		}
		var key [32]byte
		copy(key[:], raw)
		config.SetSessionTicketKeys([][32]byte{key})
	}
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
