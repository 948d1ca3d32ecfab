# MUTANT 3.5 method.py — the weights are detached and the gradient is lost | caught by: test_the_weights_are_a_softmax_of_minus_the_losses | visible: passes
def dr_dpo_loss(losses, beta_prime=1.0):
    if losses.dim() != 1 or losses.numel() == 0 or not beta_prime > 0:
        raise ValueError(f"need (pairs,) and beta_prime > 0, found {tuple(losses.shape)} and {beta_prime}")
    import math

    if math.isinf(beta_prime):
        return losses.mean()
    scaled = -losses.detach() / beta_prime
    return -beta_prime * (torch.logsumexp(scaled, dim=0) - math.log(losses.numel()))
