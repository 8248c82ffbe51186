// Flux in the browser. First the client, which knows the protocol and no page; then the page, which knows no socket.

/** A request id is also the idempotency key. `randomUUID` is missing on plain-http pages that are not localhost. */
export function newRequestId() {
  return crypto.randomUUID?.()
    ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Many jobs over one socket. The socket may die at any time: every job remembers its last `seq`, and after a
 * reconnect it is asked for again, so that its listener sees each event once and in order.
 *
 *     const flux = new FluxClient('ws://localhost:8080/ws/generate');
 *     flux.generate({ prompt: 'Write me a poem' }, (event) => console.log(event.type, event.content ?? ''));
 *
 * A job's life, as seen from here:
 *
 *     generate ──▶ asked ──ticket──▶ attached ──complete | error──▶ forgotten
 *                    ▲                  │
 *                    └── socket lost ───┘   asked again: `resume` when it had a ticket, else the same `generate`
 */
export class FluxClient {
  #url;
  #listener;
  #socket;
  #jobs = new Map();
  #failures = 0;
  #timer;

  /** What the next connection is opened with where Flux wants a key. */
  key;

  /** `listener.connection(state, retryInMs, welcome)` hears "connecting", "open", "closed", and then whether it was let in; `listener.error(event)` what no job explains. */
  constructor(url, listener = {}, key = undefined) {
    this.#url = url;
    this.#listener = listener;
    this.key = key;
    this.#connect();
  }

  /** Asks for a new job. The same `request_id` again follows the job that exists. Returns the id. */
  generate(request, onevent) {
    const id = request.request_id ?? newRequestId();
    return this.#add({ id, onevent, seq: 0, request: { type: 'generate', ...request, request_id: id } });
  }

  /** Follows a job that has a ticket, from the event after `seq` on. */
  resume(id, seq, onevent) {
    return this.#add({ id, onevent, seq, ticketed: true });
  }

  /** Stops a job. Its last event is then a `complete` with finish_reason "cancelled". */
  cancel(id) {
    const job = this.#jobs.get(id);
    if (!job) return;
    job.cancelled = true;
    if (job.attached) this.#send({ type: 'cancel', request_id: id });
    else if (!job.asked && !job.ticketed) this.#deliver(job, { type: 'complete', request_id: id, finish_reason: 'cancelled' });
    // Else the cancel follows the ticket: sent now, it could overtake the question.
  }

  /** Tries again at once instead of waiting for the backoff. */
  reconnect() {
    if (this.#socket.readyState === WebSocket.CLOSED) this.#connect();
  }

  #add(job) {
    this.#jobs.set(job.id, job);
    this.#ask(job);
    return job.id;
  }

  #ask(job) {
    if (this.#socket.readyState !== WebSocket.OPEN) return; // `onopen` asks for every job.
    this.#send(job.ticketed ? { type: 'resume', request_id: job.id, after: job.seq } : job.request);
    job.asked = true;
  }

  #send(message) {
    this.#socket.send(JSON.stringify(message));
  }

  #connect() {
    clearTimeout(this.#timer);
    // A browser sends no headers with a WebSocket, so a key comes as a subprotocol. Without one none is offered: a browser
    // drops the socket when a proxy loses the answer to the offer.
    const socket = this.#socket = new WebSocket(this.#url, this.key ? ['flux.v1', `flux.key.${this.key}`] : []);
    let openedAt = Infinity;
    this.#listener.connection?.('connecting');
    socket.onopen = () => {
      openedAt = Date.now();
      this.#listener.connection?.('open');
      this.#jobs.forEach((job) => this.#ask(job));
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => {
      // Only a socket that lived for a while resets the backoff: some servers accept and close at once.
      this.#failures = Date.now() - openedAt > 5000 ? 1 : this.#failures + 1;
      const delay = Math.min(10_000, 250 * 2 ** this.#failures) * (0.75 + Math.random() / 2);
      this.#timer = setTimeout(() => this.#connect(), delay);
      for (const job of this.#jobs.values()) {
        // 1009, "message too big": asking again would only close the next socket, too.
        if (code === 1009 && job.asked && !job.ticketed) {
          this.#deliver(job, { type: 'error', request_id: job.id, code: 'invalid_request', error: 'The question is too long.' });
        }
        job.attached = false;
      }
      this.#listener.connection?.('closed', delay, openedAt < Infinity && code !== 1008);
    };
  }

  #receive(event) {
    const job = this.#jobs.get(event.request_id);
    if (!job) {
      // An error that names a job is late news of one that is over, such as a cancel that met its end.
      if (event.type === 'error' && !event.request_id) this.#listener.error?.(event);
      return;
    }
    if (event.type === 'error' && !event.seq) {
      if (job.attached) return void this.#listener.error?.(event); // It answers a cancel. The job goes on.
      if (job.ticketed && event.retry_after_ms) return void setTimeout(() => this.#ask(job), event.retry_after_ms);
    } else if (event.seq || event.type === 'ticket') {
      if (event.seq <= job.seq) return; // Seen before the socket was lost.
      job.seq = event.seq ?? job.seq;
      if (!job.attached && job.cancelled) this.#send({ type: 'cancel', request_id: job.id });
      job.attached = job.ticketed = true;
    }
    this.#deliver(job, event);
  }

  #deliver(job, event) {
    if (event.type === 'complete' || event.type === 'error') this.#jobs.delete(job.id);
    job.onevent(event);
  }
}

// ---------------------------------------------------------------------------------------------------- words

const READING = 'Reading the question…';
const FINISH = { cancelled: 'stopped by you', length: 'reached the token limit', deadline: 'ran out of time' };

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(1).replace('.0', '')} s`;
  return ms < 60_000 ? `${Math.round(ms / 1000)} s` : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

function errorInWords({ code, error, retry_after_ms: retry }, ticketed) {
  if (code === 'overloaded' || code === 'too_many_jobs') return `Flux is busy; try again ${retry ? `in ${Math.ceil(retry / 1000)} s` : 'in a moment'}.`;
  if (code === 'unauthorized') return 'This page is not authorized to ask. Its operator can change that.';
  if (code === 'not_found' && ticketed) return 'Flux no longer has this answer.';
  if (code === 'engine_failed') return `The model failed on this question${error ? `: ${error}` : '.'}`;
  return error || `Something went wrong (${code ?? 'no reason given'}).`;
}

function placeInWords({ position, eta_ms: eta }) {
  const place = position > 0 ? `Position ${position} in the queue` : 'Waiting to start';
  return place + (eta > 0 ? `, about ${duration(Math.ceil(eta / 1000) * 1000)}` : '');
}

function summaryInWords({ finish_reason: reason, token_count: count, attempts, timings = {} }) {
  const { ttft_ms: first, load_ms: load, tokens_per_second: speed } = timings;
  return [
    count !== undefined && `${count} ${count === 1 ? 'token' : 'tokens'}`,
    first !== undefined && `first token after ${duration(first)}`,
    load >= 1 && `${duration(load)} of it to load the model`,
    speed > 0 && `${speed < 100 ? speed.toFixed(1) : Math.round(speed)} tokens/s`,
    attempts > 1 && `${attempts} attempts`,
    reason !== 'stop' && (FINISH[reason] ?? reason),
  ].filter(Boolean).join(' · ');
}

// ---------------------------------------------------------------------------------------------------- page

const $ = (selector, root = document) => root.querySelector(selector);
const over = (record) => ['done', 'cancelled', 'failed'].includes(record.state);

/** Storage may be full or forbidden. The page then works without it. */
function attempt(action) {
  try { return action(); } catch { return null; }
}

/** Reads a message to those who hear the page. It leaves again, so that nobody meets it twice. */
function announce(message) {
  const line = document.createElement('p');
  line.textContent = message;
  $('#announcer').append(line);
  setTimeout(() => line.remove(), 10_000);
}

/** Runs a change of the page; who was reading at the bottom stays at the bottom, who scrolled up stays there. */
function keepingTheBottom(change) {
  const page = document.scrollingElement;
  const atBottom = page.scrollHeight - innerHeight - page.scrollTop < 48;
  change();
  if (atBottom) page.scrollTop = page.scrollHeight;
}

/** Shows what belongs to no answer. It takes room below the answers, hence the care for the bottom. */
function notify(message) {
  keepingTheBottom(() => {
    $('#notice').textContent = message;
    $('#notice').hidden = !message;
  });
}

/**
 * One question and its answer. `record` is what survives a reload: text and seq are always stored together, so that
 * the resumed job continues exactly where the stored text ends.
 */
class Answer {
  static STORE = 'flux.answer.';
  #text = document.createTextNode('');
  #drawing = 0;
  #saving = 0;

  constructor(page, record) {
    this.page = page;
    this.record = record;
    this.interrupted = record.ticketed; // By a reload.
    this.element = $('#answer').content.cloneNode(true).firstElementChild;
    this.part('.question').textContent = record.question;
    this.part('.question').id = `q-${record.id}`;
    this.element.setAttribute('aria-labelledby', `q-${record.id}`);
    this.part('.text').append(this.#text);
    this.part('.stop').onclick = () => this.stop();
    this.part('.again').onclick = () => page.ask(record.question);
    $('#answers').append(this.element);
    this.draw();
  }

  part(selector) {
    return $(selector, this.element);
  }

  start() {
    const { id, seq, ticketed, request } = this.record;
    const onevent = (event) => this.receive(event);
    if (ticketed) this.page.client.resume(id, seq, onevent);
    else this.page.client.generate(request, onevent);
  }

  stop() {
    if (over(this.record)) return;
    this.show({ status: 'Stopping…' });
    this.page.client.cancel(this.record.id);
  }

  interrupt() {
    this.interrupted = true;
    this.show({ status: 'Connection lost. Reconnecting…' });
  }

  receive(event) {
    const { record } = this;
    if (event.seq) Object.assign(record, { seq: event.seq, ticketed: true });
    switch (event.type) {
      case 'ticket':
        // A ticket also answers a resume; what runs then keeps running.
        record.ticketed = true;
        if (record.state !== 'running') this.show({ state: 'waiting', status: placeInWords(event) }, placeInWords(event));
        else if (this.interrupted) this.show({ status: 'Reconnected, the answer goes on' });
        this.interrupted = false;
        break;
      case 'position':
        this.show({ state: 'waiting', status: placeInWords(event) }, event.position !== this.position && placeInWords(event));
        break;
      case 'start':
        this.show({ state: 'running', status: READING }, 'The answer begins');
        break;
      case 'token':
        record.text += event.content;
        this.show(record.state === 'running' && record.status !== READING ? {} : { state: 'running', status: 'Writing…' });
        break;
      case 'restart':
        if (event.mode === 'reset') record.text = '';
        this.show({ state: 'running', status: event.mode === 'reset' ? 'A worker was lost. Starting over…' : 'A worker was lost. Another one goes on…' });
        break;
      case 'complete':
        this.show(
          { state: event.finish_reason === 'cancelled' ? 'cancelled' : 'done', status: '', summary: summaryInWords(event) },
          `Answer to “${record.question.slice(0, 60)}”: ${record.text} ${FINISH[event.finish_reason] ?? ''}`);
        break;
      case 'error':
        this.show({ state: 'failed', status: errorInWords(event, record.ticketed) }, errorInWords(event, record.ticketed));
        this.page.markField(event.field);
        break;
    }
    this.position = event.position ?? this.position;
  }

  show(changes, spoken) {
    Object.assign(this.record, changes);
    if (spoken) announce(spoken);
    // Tokens may come faster than frames. A hidden tab has no frames, so the end is drawn at once.
    if (over(this.record)) this.draw();
    else this.#drawing ||= requestAnimationFrame(() => this.draw());
    if (over(this.record)) this.save();
    else this.#saving ||= setTimeout(() => this.save(), 250);
  }

  draw() {
    cancelAnimationFrame(this.#drawing);
    this.#drawing = 0;
    const { id, text, state, status, summary, ticketed } = this.record;
    const focused = document.activeElement;
    keepingTheBottom(() => {
      const shown = this.#text.length;
      // Appending keeps the reader's selection. Text nodes only: what a model writes is not to be trusted.
      if (text.length >= shown && text.startsWith(this.#text.data)) this.#text.appendData(text.slice(shown));
      else this.#text.data = text;
      this.element.dataset.state = state;
      this.part('.ticket').textContent = ticketed ? `Ticket ${id.slice(0, 8)}` : '';
      this.part('.ticket').title = ticketed ? id : '';
      this.part('.status').textContent = status;
      this.part('.summary').textContent = summary;
      this.part('.stop').hidden = over(this.record);
      this.part('.again').hidden = state !== 'failed';
      this.page.refresh(focused);
    });
  }

  save() {
    clearTimeout(this.#saving);
    this.#saving = 0;
    attempt(() => sessionStorage.setItem(Answer.STORE + this.record.id, JSON.stringify(this.record)));
  }

  remove() {
    attempt(() => sessionStorage.removeItem(Answer.STORE + this.record.id));
    this.element.remove();
  }
}

class Page {
  static KEY = 'flux.key';
  answers = [];
  prompt = $('#prompt');

  constructor() {
    // Relative to the page, so that Flux may live under any path.
    const url = new URL('ws/generate', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    this.client = new FluxClient(url, {
      connection: (state, retryInMs, welcome) => this.connection(state, retryInMs, welcome),
      error: (event) => notify(errorInWords(event)),
    }, attempt(() => sessionStorage.getItem(Page.KEY)) ?? undefined);
    this.restore();
    this.listen();
    this.refresh();
  }

  ask(question) {
    const id = newRequestId();
    const request = { type: 'generate', request_id: id, messages: [{ role: 'user', content: question }], ...this.settings() };
    notify('');
    const answer = new Answer(this, { id, at: Date.now(), request, question, text: '', seq: 0, state: 'sending', status: '', summary: '' });
    this.answers.push(answer);
    answer.show({ status: this.connected ? 'Sending…' : 'Waiting for the connection…' });
    answer.start();
    this.refresh();
    document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
  }

  /** An empty field is left out, and the server's default counts. The server checks the values; its words are shown. */
  settings() {
    const { max_tokens, temperature, model } = $('#ask').elements;
    return Object.fromEntries(Object.entries({
      max_tokens: max_tokens.valueAsNumber, temperature: temperature.valueAsNumber, model: model.value.trim(),
    }).filter(([, value]) => value !== '' && !Number.isNaN(value)));
  }

  markField(name) {
    const field = name && $(`#settings [name="${CSS.escape(name)}"]`);
    if (!field) return;
    field.setAttribute('aria-invalid', 'true');
    $('#settings').open = true;
  }

  /** Nobody was let in: because of the key? A browser does not tell why a WebSocket was refused; HTTP does. */
  async askForTheKey() {
    const headers = this.client.key ? { Authorization: `Bearer ${this.client.key}` } : {};
    const { status } = await fetch(new URL('models', location.href), { headers }).catch(() => ({}));
    if (status !== 401 || !$('#unlock').hidden) return;
    $('#unlock').hidden = false;
    $('#connection').textContent = 'Waiting for a key';
    notify(this.client.key ? 'Flux does not know this key.' : 'Flux wants a key here.');
    $('#unlock').elements.key.focus();
  }

  unlock(key) {
    attempt(() => sessionStorage.setItem(Page.KEY, key));
    this.client.key = key;
    $('#unlock').hidden = true;
    $('#unlock').reset();
    notify('');
    this.client.reconnect();
  }

  connection(state, retryInMs, welcome) {
    document.body.dataset.connection = state;
    this.connected = state === 'open';
    if (state === 'closed') {
      $('#connection').textContent = `No connection. Next try in ${Math.ceil(retryInMs / 1000)} s`;
      if (!this.lost) notify('The connection to Flux is lost. This page tries again by itself.');
      this.lost = true;
      if (!welcome) this.askForTheKey();
      this.unfinished().forEach((answer) => answer.interrupt());
    } else if (state === 'connecting') {
      $('#connection').textContent = $('#unlock').hidden ? 'Connecting…' : 'Waiting for a key';
    } else {
      $('#connection').textContent = 'Connected';
      $('#unlock').hidden = true;
      if (this.lost) {
        notify('');
        announce('Connected again');
      }
      this.lost = false;
      this.unfinished().filter((answer) => answer.record.state === 'sending').forEach((answer) => answer.show({ status: 'Sending…' }));
    }
  }

  unfinished() {
    return this.answers.filter((answer) => !over(answer.record));
  }

  /** Stops the answer that has the focus, else the newest that is unfinished. */
  stop() {
    const running = this.unfinished();
    (running.find((answer) => answer.element.contains(document.activeElement)) ?? running.at(-1))?.stop();
  }

  /** `focused` had the focus before the change: a button that vanishes takes the focus with it. */
  refresh(focused = document.activeElement) {
    const active = this.unfinished().length;
    $('#stop').hidden = $('#stop').disabled = !active;
    document.body.classList.toggle('several', active > 1);
    $('#welcome').hidden = this.answers.length > 0;
    $('#clear').disabled = active === this.answers.length;
    if (focused?.matches('button') && !focused.checkVisibility()) this.focusPrompt();
  }

  /** Not on a phone, where the focus opens the keyboard over the answer. */
  focusPrompt() {
    if (matchMedia('(pointer: fine)').matches) this.prompt.focus();
  }

  clear() {
    this.answers.filter((answer) => over(answer.record)).forEach((answer) => answer.remove());
    this.answers = this.unfinished();
    this.refresh();
    this.focusPrompt();
  }

  restore() {
    const records = attempt(() => Object.keys(sessionStorage)
      .filter((key) => key.startsWith(Answer.STORE))
      .map((key) => JSON.parse(sessionStorage.getItem(key)))
      .sort((a, b) => a.at - b.at)) ?? [];
    this.answers = records.map((record) => new Answer(this, record));
    this.unfinished().forEach((answer) => answer.start());
    document.scrollingElement.scrollTop = document.scrollingElement.scrollHeight;
  }

  listen() {
    $('#ask').addEventListener('submit', (event) => {
      event.preventDefault();
      const question = this.prompt.value.trim();
      if (question) this.ask(question);
      if (question) this.prompt.value = '';
      this.focusPrompt();
    });
    $('#unlock').addEventListener('submit', (event) => {
      event.preventDefault();
      this.unlock($('#unlock').elements.key.value.trim());
    });
    this.prompt.addEventListener('keydown', (event) => {
      // While an input method composes, Enter belongs to it.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      $('#ask').requestSubmit();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.isComposing) this.stop();
    });
    $('#settings').addEventListener('input', (event) => event.target.removeAttribute('aria-invalid'));
    $('#stop').onclick = () => this.stop();
    $('#clear').onclick = () => this.clear();
    document.querySelectorAll('.example').forEach((button) => {
      button.onclick = () => this.ask(button.textContent);
    });
    addEventListener('pagehide', () => this.unfinished().forEach((answer) => answer.save()));
    addEventListener('online', () => this.client.reconnect());
    document.addEventListener('visibilitychange', () => document.hidden || this.client.reconnect());
  }
}

/** Light or dark follows the system until the reader chooses; choosing what the system says follows it again. */
function themeSwitch() {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const current = () => root.dataset.theme ?? (system.matches ? 'dark' : 'light');
  const other = () => (current() === 'dark' ? 'light' : 'dark');
  const label = () => $('#theme').setAttribute('aria-label', `Use the ${other()} theme`);
  const stored = attempt(() => localStorage.getItem('flux.theme'));
  if (stored) root.dataset.theme = stored;
  label();
  system.addEventListener('change', label);
  $('#theme').onclick = () => {
    const chosen = other();
    if (chosen === (system.matches ? 'dark' : 'light')) {
      delete root.dataset.theme;
      attempt(() => localStorage.removeItem('flux.theme'));
    } else {
      root.dataset.theme = chosen;
      attempt(() => localStorage.setItem('flux.theme', chosen));
    }
    label();
  };
}

// Other programs import FluxClient from this file; the page is only built where it exists.
if (globalThis.document?.getElementById('ask')) {
  themeSwitch();
  new Page();
}
