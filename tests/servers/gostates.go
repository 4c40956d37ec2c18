// An HTTPS server in Go: ADDRESS CERTIFICATE WORD... Each word is one thing that programs do.
package main

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
)

type store struct {
	mutex  sync.Mutex
	states map[string]*tls.SessionState
}

func (s *store) put(_ tls.ConnectionState, state *tls.SessionState) ([]byte, error) {
	handle := make([]byte, 48)
	rand.Read(handle)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.states[string(handle)] = state
	return handle, nil
}

func (s *store) take(handle []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	state := s.states[string(handle)]
	delete(s.states, string(handle))
	return state, nil
}

func set(config *tls.Config, word string) {
	switch word {
	case "no-tickets":
		config.SessionTicketsDisabled = true
	case "only-1.2":
		config.MaxVersion = tls.VersionTLS12
	case "only-1.3":
		config.MinVersion = tls.VersionTLS13
	case "key-for-each-connection":
		config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
			var key [32]byte
			rand.Read(key[:])
			own := config.Clone()
			own.SetSessionTicketKeys([][32]byte{key})
			return own, nil
		}
	case "store-once":
		kept := &store{states: map[string]*tls.SessionState{}}
		config.WrapSession, config.UnwrapSession = kept.put, kept.take
	case "in-clear":
		config.WrapSession = func(_ tls.ConnectionState, s *tls.SessionState) ([]byte, error) {
			return s.Bytes()
		}
		config.UnwrapSession = func(b []byte, _ tls.ConnectionState) (*tls.SessionState, error) {
			return tls.ParseSessionState(b)
		}
	case "refuse-resumed":
		config.VerifyConnection = func(state tls.ConnectionState) error {
			if state.DidResume {
				return errors.New("resumed")
			}
			return nil
		}
	case "ask-certificate":
		config.ClientAuth = tls.RequestClientCert
	case "demand-certificate":
		config.ClientAuth = tls.RequireAnyClientCert
	default:
		panic(word)
	}
}

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[2])
	if err != nil {
		panic(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	for _, word := range os.Args[3:] {
		set(config, word)
	}
	listener, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		panic(err)
	}
	answer := func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) }
	server := &http.Server{Handler: http.HandlerFunc(answer), TLSConfig: config}
	panic(server.ServeTLS(listener, "", ""))
}
