#!/usr/bin/env escript
%% An HTTPS server on Erlang/OTP ssl: PORT CERTIFICATE [OPTION...], where an option is a term
%% for ssl:listen/2, such as {session_tickets,stateless}. The listener is opened anew when it
%% dies, as a supervisor would.
main([Port, Certificate | Terms]) ->
    {ok, _} = application:ensure_all_started(ssl),
    listen(list_to_integer(Port), [
        {ip, {127, 0, 0, 1}}, {certfile, Certificate}, {keyfile, Certificate},
        {reuseaddr, true}, {active, false}, {packet, line}, {backlog, 128}, {log_level, none}
        | [term(Text) || Text <- Terms]
    ]).

term(Text) ->
    {ok, Tokens, _} = erl_scan:string(Text ++ "."),
    {ok, Term} = erl_parse:parse_term(Tokens),
    Term.

listen(Port, Options) ->
    {ok, Listener} = ssl:listen(Port, Options),
    try
        accept(Listener)
    catch
        _:_ -> ssl:close(Listener)
    end,
    listen(Port, Options).

accept(Listener) ->
    case ssl:transport_accept(Listener) of
        {ok, Socket} ->
            Server = spawn(fun() ->
                receive
                    go -> ok
                end,
                case ssl:handshake(Socket, 10000) of
                    {ok, Shaken} -> answer(Shaken);
                    _ -> ok
                end
            end),
            ssl:controlling_process(Socket, Server),
            Server ! go;
        _ ->
            ok
    end,
    accept(Listener).

answer(Socket) ->
    case ssl:recv(Socket, 0, 10000) of
        {ok, "\r\n"} ->
            ssl:send(Socket, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            ssl:close(Socket);
        {ok, _} ->
            answer(Socket);
        _ ->
            ssl:close(Socket)
    end.
