// SPDX-License-Identifier: MIT OR Apache-2.0
/** The newest `size` things. */
export class Ring<T> {
    private items: T[] = [];
    private next = 0;

    constructor(readonly size: number) {}

    push(item: T) {
        this.items[this.next] = item;
        this.next = (this.next + 1) % this.size;
    }

    get length(): number {
        return this.items.length;
    }

    /** Oldest first. */
    list(): T[] {
        return this.items.length < this.size
            ? this.items.slice()
            : this.items.slice(this.next).concat(this.items.slice(0, this.next));
    }

    last(): T | undefined {
        return this.items[(this.next + this.size - 1) % this.size];
    }

    clear() {
        this.items = [];
        this.next = 0;
    }
}
