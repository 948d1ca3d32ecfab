# MUTANT 3.5 method.py — exp of huge losses underflows | caught by: test_huge_losses_and_extreme_beta_primes_stay_finite | visible: passes
def dr_dpo_loss(losses, beta_prime=1.0):
    if losses.dim() != 1 or losses.numel() == 0 or not beta_prime > 0:
        raise ValueError(f"need (pairs,) and beta_prime > 0, found {tuple(losses.shape)} and {beta_prime}")
    import math

    if math.isinf(beta_prime):
        return losses.mean()
    scaled = -losses / beta_prime
    return -beta_prime * torch.log(torch.exp(scaled).mean())
