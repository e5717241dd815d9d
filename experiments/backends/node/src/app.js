// The routes. Paths are matched to the letter, and each knows its methods.

import express from 'express'

import { answer, answerError, answerJson } from './answers.js'
import { ID } from './ids.js'
import { jobView } from './jobs.js'
import { readOrder } from './orders.js'
import { ending, notFound, wrongMethod } from './problems.js'
import { sendClip } from './sending.js'

/** `stopping`: the signal after which nothing new is taken. */
export function makeApp({ config, uploads, jobs, metrics, health, stopping }) {
  const refuseWhenStopping = () => {
    if (stopping.aborted) throw ending()
  }
  const routes = [
    [/^\/uploads$/, {
      async POST(req, res) {
        refuseWhenStopping()
        const { id, bytes } = await uploads.take(req, res, stopping)
        await answerJson(req, res, 201, { id, bytes }, { Location: `/uploads/${id}` })
      },
    }],
    [new RegExp(`^/uploads/(${ID})$`), {
      async DELETE(req, res) {
        await uploads.remove(uploads.get(req.params[0]))
        await answer(req, res, 204)
      },
    }],
    [/^\/jobs$/, {
      async POST(req, res) {
        refuseWhenStopping()
        const order = await readOrder(req, res, config)
        refuseWhenStopping()
        const job = jobs.accept(order)
        await answerJson(req, res, 202, jobView(job), { Location: `/jobs/${job.id}` })
      },
    }],
    [new RegExp(`^/jobs/(${ID})$`), {
      GET: (req, res) => answerJson(req, res, 200, jobView(jobs.get(req.params[0]))),
      async DELETE(req, res) {
        await jobs.remove(jobs.get(req.params[0]))
        await answer(req, res, 204)
      },
    }],
    [new RegExp(`^/jobs/(${ID})/clips/([1-9][0-9]{0,15})$`), withHead((req, res) => {
      const [id, number] = [req.params[0], Number(req.params[1])]
      return sendClip(req, res, jobs.clipFile(jobs.get(id), number), `${id}-${number}`)
    })],
    [/^\/health$/, { GET: (req, res) => answerJson(req, res, 200, health) }],
    [/^\/metrics$/, {
      GET: (req, res) => answer(
        req, res, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' }, metrics.text(jobs.countByStatus()),
      ),
    }],
  ]
  return listeningTo(routes)
}

function withHead(handler) {
  return { GET: handler, HEAD: handler }
}

function listeningTo(routes) {
  const app = express()
  app.disable('x-powered-by')
  for (const [path, methods] of routes) {
    app.route(path).all((req, res) => {
      if (!Object.hasOwn(methods, req.method)) throw wrongMethod(Object.keys(methods))
      return methods[req.method](req, res)
    })
  }
  app.use(() => {
    throw notFound()
  })
  app.use((error, req, res, _next) => answerError(req, res, error))
  return app
}
