// A label, an input, and what to know about it, tied together for screen readers.

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

import { words } from "../words.ts";
import { Icon } from "./icon.tsx";

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  testid: string;
  type?: "text" | "email" | "password";
  autocomplete?: string;
  inputMode?: "text" | "numeric" | "email";
  hint?: string;
  error?: string | null;
  required?: boolean;
  autoFocus?: boolean;
  maxLength?: number;
  readOnly?: boolean;
  children?: ComponentChildren;
}

export function Field({ label, hint, error = null, children, ...input }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="input-row">
        <Input id={id} hint={hint} error={error} {...input} />
        {children}
      </div>
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== null && (
        <p class="field-error" id={`${id}-error`} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

type InputProps = Omit<FieldProps, "label" | "children" | "hint" | "error"> & {
  id: string;
  hint: string | undefined;
  error: string | null;
};

function Input({ id, hint, error, onChange, testid, autoFocus, type = "text", ...rest }: InputProps) {
  const described = [hint !== undefined && `${id}-hint`, error !== null && `${id}-error`];
  const ids = described.filter((part) => part !== false).join(" ");
  return (
    <input
      id={id}
      type={type as "text"} // the types want one literal; the three behave alike here
      data-testid={testid}
      aria-describedby={ids === "" ? undefined : ids}
      aria-invalid={error !== null}
      spellcheck={false}
      autocapitalize="none"
      autofocus={autoFocus === true} // for the moment in which a dialog opens
      ref={(element) => void (autoFocus === true && focusOnce(element))}
      onInput={(event) => onChange(event.currentTarget.value)}
      {...rest}
    />
  );
}

const focused = new WeakSet<HTMLElement>();

function focusOnce(element: HTMLElement | null): void {
  if (element === null || focused.has(element)) return;
  focused.add(element);
  element.focus();
}

export function PasswordField(props: Omit<FieldProps, "type" | "children">) {
  const [shown, setShown] = useState(false);
  return (
    <Field {...props} type={shown ? "text" : "password"}>
      <button
        type="button"
        class="icon-button in-field"
        aria-pressed={shown}
        aria-label={shown ? words.hidePassword : words.showPassword}
        onClick={() => setShown(!shown)}
      >
        <Icon name={shown ? "eyeOff" : "eye"} />
      </button>
    </Field>
  );
}

interface SelectProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  options: readonly { value: string; label: string }[];
  testid?: string;
}

export function Select({ label, value, onChange, options, testid }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        data-testid={testid}
        onChange={(event) => onChange(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </div>
  );
}

interface CheckProps {
  label: ComponentChildren;
  checked: boolean;
  onChange: (checked: boolean) => void;
  testid?: string;
}

export function Check({ label, checked, onChange, testid }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={checked}
        data-testid={testid}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>{label}</span>
    </label>
  );
}
