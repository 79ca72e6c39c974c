/**
 * The wire between operators and EC2: every call is seen, and may come to grief.
 * Rule: what is recorded is what was sent; a fate is decided per call by the test, and without one calls pass.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import { Effect, type Scope } from "effect"
import { listen } from "./Listening.ts"

/** What becomes of one call. */
export type Fate =
  | { readonly _tag: "Pass" }
  /** EC2 never sees it; the caller is told no. */
  | { readonly _tag: "Refuse"; readonly status: number; readonly code: string }
  /** EC2 never sees it; the connection is reset. */
  | { readonly _tag: "Drop" }
  /** It is under way until then; EC2 does it late. */
  | { readonly _tag: "Hold"; readonly until: Promise<void> }
  /** EC2 does it; the connection is reset instead of an answer. */
  | { readonly _tag: "LoseReply" }
  /** EC2 does it; no answer ever comes. */
  | { readonly _tag: "Hang" }
  /** EC2 does it; the caller is told that the server failed. */
  | { readonly _tag: "FailAfter"; readonly status: number; readonly code: string }

export const pass: Fate = { _tag: "Pass" }

export interface Call {
  /** From 0. */
  readonly n: number
  readonly action: string
  readonly parameters: Readonly<Record<string, string>>
  /** The access key it was signed with: tells operators apart. */
  readonly caller: string
  /** Epoch milliseconds when the whole request was here. */
  readonly sentAt: number
  readonly fate: Fate["_tag"]
}

/** What EC2 answered. */
export interface Answer {
  readonly status: number
  readonly code: string | undefined
  readonly at: number
}

export interface Wire {
  readonly url: string
  readonly calls: () => ReadonlyArray<Call>
  readonly answer: (call: Call) => Answer | undefined
  readonly mutations: () => ReadonlyArray<Call>
  /** Until it is set again. Asked synchronously when the call arrives. */
  readonly decide: (fate: (call: Omit<Call, "fate">) => Fate) => void
}

export const isMutation = (action: string): boolean => !action.startsWith("Describe")

const read = (message: IncomingMessage): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ""
    message.setEncoding("utf8").on("data", (part: string) => {
      text += part
    })
    message.on("end", () => resolve(text))
    message.on("error", reject)
  })

/** An error as EC2's Query API writes it. */
const errorBody = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>${code}</Code><Message>${code} by the wire</Message></Error></Errors><RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>`

const callerOf = (authorization: string | undefined): string =>
  /Credential=([^/]+)\//.exec(authorization ?? "")?.[1] ?? ""

interface Reply {
  readonly status: number
  readonly type: string
  readonly body: string
}

const forward = (target: URL, incoming: IncomingMessage, body: string): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const { connection: _, "content-length": __, ...headers } = incoming.headers
    const asked = request(
      { host: target.hostname, port: target.port, path: incoming.url, method: incoming.method, headers },
      (reply) => {
        read(reply).then(
          (text) =>
            resolve({
              status: reply.statusCode ?? 0,
              type: String(reply.headers["content-type"] ?? "text/xml"),
              body: text
            }),
          reject
        )
      }
    )
    asked.on("error", reject)
    asked.end(body)
  })

const respond = (response: ServerResponse, status: number, type: string, body: string): void => {
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) })
  response.end(body)
}

export const make = (target: string): Effect.Effect<Wire, never, Scope.Scope> =>
  Effect.gen(function* () {
    const calls: Array<Call> = []
    const answers = new Map<number, Answer>()
    let decide: (call: Omit<Call, "fate">) => Fate = () => pass

    const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
      const body = await read(incoming)
      const parameters = Object.fromEntries(new URLSearchParams(body))
      const seen = {
        n: calls.length,
        action: parameters.Action ?? "",
        parameters,
        caller: callerOf(incoming.headers.authorization),
        sentAt: Date.now()
      }
      const fate = decide(seen)
      calls.push({ ...seen, fate: fate._tag })
      if (fate._tag === "Refuse") return respond(response, fate.status, "text/xml", errorBody(fate.code))
      if (fate._tag === "Drop") {
        incoming.socket.resetAndDestroy()
        return
      }
      if (fate._tag === "Hold") await fate.until
      const reply = await forward(new URL(target), incoming, body)
      answers.set(seen.n, {
        status: reply.status,
        code: /<Code>([^<]+)<\/Code>/.exec(reply.body)?.[1],
        at: Date.now()
      })
      switch (fate._tag) {
        case "Pass":
        case "Hold":
          return respond(response, reply.status, reply.type, reply.body)
        case "FailAfter":
          return respond(response, fate.status, "text/xml", errorBody(fate.code))
        case "LoseReply":
          incoming.socket.resetAndDestroy()
          return
        case "Hang":
          return
      }
    }

    const port = yield* listen(
      () =>
        createServer((incoming, response) => {
          // A caller that was killed takes its connection along.
          serve(incoming, response).catch(() => response.destroy())
        }),
      (server) => server.closeAllConnections()
    )
    return {
      url: `http://127.0.0.1:${port}`,
      calls: () => calls,
      answer: (call) => answers.get(call.n),
      mutations: () => calls.filter((call) => isMutation(call.action)),
      decide: (fate) => {
        decide = fate
      }
    }
  })
