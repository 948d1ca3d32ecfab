# MUTANT 3.9 method.py — after an error train mode and active adapter aren't put back | caught by: test_everything_is_put_back_also_after_an_error | visible: passes
def reference_logps(model, batch, mode, logps):
    import contextlib

    adapters = getattr(model, "peft_config", {})
    if mode not in ("disabled", "ref", "self"):
        raise ValueError(f"mode must be 'disabled', 'ref' or 'self', found {mode!r}")
    if (mode == "ref" and "ref" not in adapters) or (mode == "disabled" and not adapters):
        raise ValueError(f"mode {mode!r} needs an adapter that isn't there; found {sorted(adapters)}")
    training = {name: module.training for name, module in model.named_modules()}
    wanted = {name: weight.requires_grad for name, weight in model.named_parameters()}
    active = model.active_adapter if mode == "ref" else None
    if True:
        model.eval()
        if mode == "ref":
            model.set_adapter("ref", inference_mode=True)
        with torch.no_grad(), model.disable_adapter() if mode == "disabled" else contextlib.nullcontext():
            output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
            found = logps(output.logits, batch["input_ids"], batch["completion_mask"]).detach()
    if True:
        if mode == "ref":
            model.set_adapter(active)
        for name, module in model.named_modules():
            module.training = training[name]
        for name, weight in model.named_parameters():
            weight.requires_grad_(wanted[name])
    return found
