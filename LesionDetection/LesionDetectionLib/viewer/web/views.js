// The views: each shows pictures that the server draws, with notes over them, and tells it what the hand does.
(function () {
  const EVENTS = "lesion.view.events";
  const PICTURES = "lesion.view.pictures";
  const HOVER_MS = 66; // fifteen times a second
  const CLICK_PIXELS = 3; // a press that moves further is a drag
  const TWICE_MS = 400; // a second click so soon is a double click
  const WHEEL_PIXELS = 100; // of one notch, where a browser counts pixels
  const KEPT_TIMES = 300;

  const seen = new Map(); // view -> what shows it
  const counts = { frames: {}, first: 0 };

  function session() {
    return window.trame.client.getConnection().getSession();
  }

  // What the tests and the benchmark read: when pictures were on the screen.
  function count(name, ofScan) {
    const now = performance.now();
    const frames = (counts.frames[name] = counts.frames[name] || { count: 0, times: [] });
    frames.count += 1;
    frames.times.push(now);
    if (frames.times.length > KEPT_TIMES) frames.times.shift();
    if (ofScan) counts.first = counts.first || now;
  }

  let subscribedTo = null;
  function subscribe() {
    const now = session();
    if (subscribedTo === now) return;
    subscribedTo = now;
    window.trame.utils.lesions = Object.assign(counts, window.trame.utils.lesions);
    now.subscribe(PICTURES, ([message]) => {
      const view = seen.get(message.view);
      if (view) view.take(message);
    });
  }

  // Sends what was done, one call at a time; what is done meanwhile goes together in the next one.
  class Hand {
    constructor(name, onAnswer) {
      this.name = name;
      this.onAnswer = onAnswer;
      this.waiting = [];
      this.calling = false;
      this.hover = null;
      this.hoveredAt = 0;
      this.timer = 0;
      this.visit = 0;
    }

    // What is under the mouse is of no interest any more, whether it was asked for already or not.
    leave() {
      this.hover = null;
      this.visit += 1;
      this.onAnswer("");
    }

    add(event) {
      if (event.type === "hover") {
        this.hover = event;
      } else if (!this.joined(event)) {
        this.waiting.push(event);
      }
      this.send();
    }

    joined(event) {
      const last = this.waiting[this.waiting.length - 1];
      if (!last || last.type !== event.type) return false;
      if (event.type === "scroll") last.steps += event.steps;
      else if (event.type === "zoom") last.by *= event.by;
      else if (event.type === "box" && event.handle === last.handle) Object.assign(last, event);
      else if (event.type === "slice" || event.type === "size") Object.assign(last, event, { new: last.new || event.new });
      else if (event.type === "drag" && event.with === last.with) {
        last.dx += event.dx;
        last.dy += event.dy;
      } else return false;
      return true;
    }

    async send() {
      if (this.calling) return;
      const events = this.waiting;
      const rest = this.hoveredAt + HOVER_MS - performance.now();
      if (this.hover && rest <= 0) {
        events.push(this.hover);
        this.hover = null;
        this.hoveredAt = performance.now();
      } else if (this.hover && !this.timer) {
        this.timer = setTimeout(() => {
          this.timer = 0;
          this.send();
        }, rest);
      }
      if (!events.length) return;
      this.waiting = [];
      this.calling = true;
      const visit = this.visit;
      try {
        window.lesionOrder.sendChanges();
        const answer = await session().call(EVENTS, [this.name, events]);
        if (answer !== null && answer !== undefined && visit === this.visit) this.onAnswer(answer);
      } catch (error) {
        console.debug("A view could not tell what was done:", error);
      }
      this.calling = false;
      if (this.waiting.length || this.hover) this.send();
    }
  }

  // Under the mouse, in the line that another part of the page has for it: no state, no redraw.
  function tellUnderCursor(text) {
    const line = document.getElementById("under-cursor");
    if (line && line.textContent !== text) line.textContent = text;
  }

  const DRAGS = { slice: ["window", "pan", "zoom"], space: ["rotate", "pan", "zoom"] };

  // Of a box that is searched: name, and share of its width and height.
  const HANDLES = [
    ["top left", 0, 0], ["top", 0.5, 0], ["top right", 1, 0], ["left", 0, 0.5], ["middle", 0.5, 0.5], ["right", 1, 0.5],
    ["bottom left", 0, 1], ["bottom", 0.5, 1], ["bottom right", 1, 1],
  ];

  function dragOf(kind, event) {
    const moves = event.button === 0 && (event.shiftKey || event.ctrlKey || event.metaKey);
    return moves ? "pan" : DRAGS[kind][event.button];
  }

  const View = {
    props: { view: String, kind: String, label: String, measuring: Boolean, drawing: Boolean },
    data: () => ({ notes: { empty: true }, dragging: "", handles: HANDLES, line: null }),
    template: `
      <div class="view-box" :class="['view-' + kind, dragging && 'dragging-' + dragging, (measuring || (drawing && kind === 'slice')) && 'measuring']"
          :data-view="view" role="group" :aria-label="label" ref="box"
          @pointerdown="down" @pointermove="move" @pointerup="up" @pointercancel="cancel" @pointerleave="leave"
          @wheel.prevent="wheel" @dblclick="twice" @contextmenu.prevent>
        <canvas ref="picture" class="view-picture"></canvas>
        <svg v-if="notes.lines && notes.lines.length" class="view-lines">
          <line v-for="(line, n) in notes.lines" :key="n" :x1="line.x1" :y1="line.y1" :x2="line.x2" :y2="line.y2"
            :stroke="line.color"></line>
        </svg>
        <svg v-if="line" class="view-lines"><line class="view-drawn" v-bind="line"></line></svg>
        <svg v-if="notes.box" class="view-search" :class="{ apart: !notes.box.cut }">
          <rect class="search-box" :x="notes.box.x" :y="notes.box.y" :width="notes.box.w" :height="notes.box.h"></rect>
          <template v-if="notes.box.cut">
            <rect v-for="one in handles" :key="one[0]" class="search-handle" :data-handle="one[0]" width="10" height="10"
              :x="notes.box.x + one[1] * notes.box.w - 5" :y="notes.box.y + one[2] * notes.box.h - 5"
              @pointerdown.stop="grab($event, one[0])"></rect>
          </template>
        </svg>
        <em v-for="(mark, n) in notes.labels || []" :key="n" class="view-label" :class="{ current: mark.current }"
          :style="{ left: mark.x + 0.75 * mark.r + 4 + 'px', top: mark.y - 0.75 * mark.r - 4 + 'px', color: mark.color }">
          {{ mark.text }}</em>
        <template v-if="!notes.empty && kind === 'slice'">
          <template v-if="notes.cross">
            <i class="view-line view-line-down" :style="{ left: notes.cross[0] + 'px' }"></i>
            <i class="view-line view-line-across" :style="{ top: notes.cross[1] + 'px' }"></i>
          </template>
          <b class="view-side view-side-left">{{ notes.left }}</b>
          <b class="view-side view-side-right">{{ notes.right }}</b>
          <b class="view-side view-side-top">{{ notes.top }}</b>
          <b class="view-side view-side-bottom">{{ notes.bottom }}</b>
          <span class="view-note view-note-name">{{ notes.name }}</span>
          <span class="view-note view-note-place">{{ notes.position }}</span>
          <span class="view-note view-note-window">{{ notes.window }}</span>
          <input v-if="notes.step" type="range" class="slice-slider" :aria-label="label + ' slice'" :min="notes.min" :max="notes.max"
            :step="notes.step" :value="notes.value" @input="slide" @pointerdown.stop @pointermove.stop @pointerup.stop
            @dblclick.stop>
        </template>
        <slot></slot>
      </div>`,

    mounted() {
      subscribe();
      this.hand = new Hand(this.view, tellUnderCursor);
      this.wheeled = 0;
      this.shown = 0;
      this.press = null;
      this.clickedAt = 0;
      seen.set(this.view, this);
      this.begun = true;
      this.observer = new ResizeObserver(() => this.resize());
      this.observer.observe(this.$refs.box);
    },

    beforeUnmount() {
      this.observer.disconnect();
      if (seen.get(this.view) === this) seen.delete(this.view);
    },

    methods: {
      resize() {
        const box = this.$refs.box;
        if (!box) return;
        const event = { type: "size", w: box.clientWidth, h: box.clientHeight, ratio: window.devicePixelRatio || 1 };
        if (this.begun) event.new = true;
        this.begun = false;
        // What is written over the picture is of its old size, and comes anew with the next one.
        this.notes = { ...this.notes, cross: null, box: null, labels: [], lines: [] };
        this.hand.add(event);
      },

      async take(message) {
        if (!message.picture) {
          this.notes = message.notes;
          return;
        }
        const number = ++this.shown;
        try {
          const image = await createImageBitmap(new Blob([message.picture], { type: "image/jpeg" }));
          if (number === this.shown || number > (this.drawn || 0)) this.draw(image, number, message.notes);
          image.close();
        } finally {
          // Not behind what the hand does: the server waits for it before it draws on.
          session().call(EVENTS, [this.view, [{ type: "shown" }]]).catch(() => {});
        }
      },

      draw(image, number, notes) {
        const canvas = this.$refs.picture;
        if (!canvas) return;
        if (canvas.width !== image.width || canvas.height !== image.height) {
          canvas.width = image.width;
          canvas.height = image.height;
        }
        canvas.getContext("2d", { alpha: false }).drawImage(image, 0, 0);
        this.drawn = number;
        this.notes = notes;
        count(this.view, this.kind === "slice" && !notes.empty);
      },

      place(event) {
        const box = this.$refs.box;
        const edge = box.getBoundingClientRect();
        return { x: event.clientX - edge.left - box.clientLeft, y: event.clientY - edge.top - box.clientTop };
      },

      down(event) {
        if (this.press) return;
        let kind = dragOf(this.kind, event);
        if (this.drawing && this.kind === "slice" && kind === "window") kind = "line";
        if (!kind) return;
        event.preventDefault();
        this.$refs.box.setPointerCapture(event.pointerId);
        this.press = { kind, at: this.place(event), last: this.place(event), button: event.button, moved: false };
      },

      grab(event, handle) {
        if (this.press || event.button !== 0) return;
        event.preventDefault();
        this.$refs.box.setPointerCapture(event.pointerId);
        this.press = { kind: "box", handle, at: this.place(event), button: 0, moved: false };
      },

      move(event) {
        const now = this.place(event);
        const press = this.press;
        if (!press) {
          if (this.kind === "slice") this.hand.add({ type: "hover", ...now, shift: event.shiftKey });
          return;
        }
        if (!press.moved && Math.hypot(now.x - press.at.x, now.y - press.at.y) <= CLICK_PIXELS) return;
        press.moved = true;
        if (press.handle) {
          this.hand.add({ type: "box", handle: press.handle, ...now });
          return;
        }
        if (press.kind === "line") {
          this.line = { x1: press.at.x, y1: press.at.y, x2: now.x, y2: now.y };
          return;
        }
        this.dragging = press.kind;
        const by = { dx: now.x - press.last.x, dy: now.y - press.last.y };
        this.hand.add({ type: "drag", with: press.kind, ...by, ...press.at });
        press.last = now;
      },

      up(event) {
        const press = this.press;
        const line = this.line;
        this.cancel();
        if (line) this.hand.add({ type: "line", x: line.x1, y: line.y1, x2: line.x2, y2: line.y2 });
        if (!press || press.moved || press.button !== 0) return;
        const soon = event.timeStamp - this.clickedAt < TWICE_MS;
        this.clickedAt = event.timeStamp;
        if (!soon) this.hand.add({ type: "click", ...press.at });
      },

      cancel() {
        this.press = null;
        this.dragging = "";
        this.line = null;
      },

      leave() {
        if (!this.press) this.hand.leave();
      },

      wheel(event) {
        const unit = event.deltaMode === 0 ? WHEEL_PIXELS : event.deltaMode === 1 ? 3 : 1;
        this.wheeled -= event.deltaY / unit;
        if (event.ctrlKey || event.metaKey) {
          this.hand.add({ type: "zoom", by: Math.exp(0.15 * this.wheeled), ...this.place(event) });
          this.wheeled = 0;
          return;
        }
        const steps = Math.trunc(this.wheeled + Math.sign(this.wheeled) * 1e-6);
        if (!steps) return;
        this.wheeled -= steps;
        this.hand.add({ type: "scroll", steps });
      },

      slide(event) {
        this.hand.add({ type: "slice", value: Number(event.target.value) });
      },

      twice() {
        if (this.measuring || this.drawing) return;
        const state = window.trame.state;
        state.set("view_alone", state.get("view_alone") === this.view ? "" : this.view);
      },
    },
  };

  window.lesion_views = { install: (app) => app.component("lesion-view", View) };
})();
