import { Template } from '@huggingface/jinja';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Thrown when a model's chat template cannot render a conversation. */
export class BadChatTemplate extends Error {
  override readonly name = 'BadChatTemplate';
}

/** A model's own way to write a conversation: its Jinja template, rendered as Transformers renders it. */
export class ChatFormat {
  readonly #template: Template;
  readonly #bos: string | undefined;
  readonly #eos: string | undefined;

  constructor(template: string, { bos, eos }: { readonly bos: string | undefined; readonly eos: string | undefined }) {
    try {
      this.#template = new Template(template);
    } catch (error) {
      throw new BadChatTemplate(`expected a chat template that can be read, got one that cannot: ${String(error)}`);
    }
    this.#bos = bos;
    this.#eos = eos;
  }

  /** The text up to where the assistant's answer begins. */
  prompt(messages: readonly ChatMessage[]): string {
    return this.#render(messages, true);
  }

  /** Like `prompt`, for a model whose template knows no system message too: the instruction then stands first in the user's. */
  instructed(instruction: string, user: string): string {
    try {
      return this.prompt([
        { role: 'system', content: instruction },
        { role: 'user', content: user },
      ]);
    } catch (error) {
      if (!(error instanceof BadChatTemplate)) throw error;
      return this.prompt([{ role: 'user', content: `${instruction}\n${user}` }]);
    }
  }

  /** What the template writes after an assistant's words; undefined when it changes the words themselves. */
  afterAnswer(): string | undefined {
    const words = 'harbour';
    const text = this.#render(
      [
        { role: 'user', content: 'Say it.' },
        { role: 'assistant', content: words },
      ],
      false,
    );
    const at = text.lastIndexOf(words);
    return at < 0 ? undefined : text.slice(at + words.length);
  }

  #render(messages: readonly ChatMessage[], add_generation_prompt: boolean): string {
    try {
      return this.#template.render({
        messages,
        add_generation_prompt,
        ...(this.#bos !== undefined && { bos_token: this.#bos }),
        ...(this.#eos !== undefined && { eos_token: this.#eos }),
      });
    } catch (error) {
      throw new BadChatTemplate(`expected a chat template that renders a conversation, got: ${String(error)}`);
    }
  }
}
