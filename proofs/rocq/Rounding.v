(* Rounding: from the moments on, the relative error of a formula is a few units of the last place,
   whatever the data. `rnd` is any rounding with |rnd x - x| <= u |x| that keeps what is rounded and
   its double: float64 without overflow and underflow, u = 2^-53. Inputs are the moments as they
   are stored. *)
From Coq Require Import Reals Lra Lia.
From GAR Require Import Formulas.
From GAR Require Rounded.
Open Scope R_scope.

Section Rounding.
Variable rnd : R -> R.
Variable u : R.
Hypothesis u_small : 0 <= u < 1.
Hypothesis rounds : forall x, Rabs (rnd x - x) <= u * Rabs x.

Hypothesis rounded_once : forall x, rnd (rnd x) = rnd x.
Hypothesis doubling : forall x, rnd x = x -> rnd (2 * x) = 2 * x.

(* x is y up to k roundings. *)
Definition within (k : nat) (x y : R) :=
  exists t, (1 - u) ^ k <= t <= / (1 - u) ^ k /\ x = y * t.

Let v := 1 - u.
Let v_pos : 0 < v. Proof. unfold v; lra. Qed.
Let v_le1 : v <= 1. Proof. unfold v; lra. Qed.
Let vk k : 0 < v ^ k. Proof. apply pow_lt; auto. Qed.
Let vk_le1 k : v ^ k <= 1.
Proof. rewrite <- (pow1 k). apply pow_incr. split; lra. Qed.

Lemma within_refl x : within 0 x x.
Proof. exists 1. simpl. split; [|ring]. rewrite Rinv_1. lra. Qed.
Lemma within_weaken j k x y : (j <= k)%nat -> within j x y -> within k x y.
Proof. intros H (t & [A B] & E). exists t. split; auto. fold v in A, B. fold v.
  assert (P : v ^ k <= v ^ j).
  { replace k with (j + (k - j))%nat by lia. rewrite pow_add.
    rewrite <- (Rmult_1_r (v ^ j)) at 2. apply Rmult_le_compat_l; [left; apply vk|apply vk_le1]. }
  split; [lra|]. apply Rle_trans with (1 := B). apply Rinv_le_contravar; auto. Qed.

Let bounds j k s t : v ^ j <= s <= / v ^ j -> v ^ k <= t <= / v ^ k ->
  v ^ (j + k) <= s * t <= / v ^ (j + k).
Proof. intros [A B] [C D]. pose proof (vk j). pose proof (vk k). rewrite pow_add, Rinv_mult.
  split; apply Rmult_le_compat; lra. Qed.
Let inverse_bounds k t : v ^ k <= t <= / v ^ k -> v ^ k <= / t <= / v ^ k.
Proof. intros [A B]. pose proof (vk k). assert (0 < t) by lra. split.
  - rewrite <- (Rinv_inv (v ^ k)). apply Rinv_le_contravar; auto.
  - apply Rinv_le_contravar; auto. Qed.

Lemma within_round k x y : within k x y -> within (S k) (rnd x) y.
Proof. intros (t & T & E).
  assert (R1 : exists r, v ^ 1 <= r <= / v ^ 1 /\ rnd x = x * r).
  { destruct (Req_dec x 0) as [->|X].
    - exists 1. pose proof (rounds 0) as Z. rewrite Rabs_R0, Rmult_0_r, Rminus_0_r in Z.
      assert (rnd 0 = 0) by (destruct (Req_dec (rnd 0) 0); auto; pose proof (Rabs_pos_lt _ H); lra).
      rewrite H. simpl. rewrite Rmult_1_r. split; [|ring]. split; [lra|].
      rewrite <- Rinv_1 at 1. apply Rinv_le_contravar; auto.
    - exists (rnd x / x). simpl. rewrite Rmult_1_r. split; [|field; auto].
      pose proof (rounds x) as Rx. pose proof (Rabs_pos_lt _ X) as AX.
      assert (Q : Rabs (rnd x / x - 1) <= u).
      { replace (rnd x / x - 1) with ((rnd x - x) / x) by (field; auto).
        unfold Rdiv. rewrite Rabs_mult, Rabs_inv.
        apply Rmult_le_reg_r with (Rabs x); auto. rewrite Rmult_assoc, Rinv_l by lra. lra. }
      apply Rabs_le_between in Q || (unfold Rabs in Q; destruct (Rcase_abs (rnd x / x - 1))).
      all: split; [unfold v; lra|].
      all: apply Rle_trans with (1 + u); [lra|].
      all: apply Rmult_le_reg_l with v; auto; rewrite Rinv_r by lra; unfold v; nra. }
  destruct R1 as (r & B & E2). exists (t * r). split.
  - replace (S k) with (k + 1)%nat by lia. apply bounds; auto.
  - rewrite E2, E. ring. Qed.
Lemma within_mult j k x y a b : within j x a -> within k y b -> within (j + k) (x * y) (a * b).
Proof. intros (s & S1 & ->) (t & T & ->). exists (s * t). split; [apply bounds; auto | ring]. Qed.
Lemma within_div j k x y a b : b <> 0 -> within j x a -> within k y b -> within (j + k) (x / y) (a / b).
Proof. intros Hb (s & S1 & ->) (t & T & ->). exists (s * / t). split.
  - apply bounds; auto.
  - pose proof (vk k). fold v in T. assert (t <> 0) by lra. field. split; auto. Qed.
Lemma within_add k x y a b : 0 <= a -> 0 <= b -> within k x a -> within k y b -> within k (x + y) (a + b).
Proof. intros Ha Hb (s & [S1 S2] & ->) (t & [T1 T2] & ->). fold v in S1, S2, T1, T2. pose proof (vk k).
  destruct (Req_dec (a + b) 0) as [Z|Z].
  - exists 1. fold v. split. split; [apply vk_le1|]. rewrite <- Rinv_1 at 1. apply Rinv_le_contravar; auto.
    assert (a = 0) by lra. assert (b = 0) by lra. subst. ring.
  - exists ((a * s + b * t) / (a + b)). fold v. split; [|field; auto].
    assert (P : 0 < a + b) by lra. split.
    + apply Rmult_le_reg_r with (a + b); auto. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by auto. nra.
    + apply Rmult_le_reg_r with (a + b); auto. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by auto. nra. Qed.
Lemma within_sqrt k x a : 0 <= a -> within (k + k) x a -> within k (sqrt x) (sqrt a).
Proof. intros Ha (t & [A B] & ->). fold v in A, B. pose proof (vk k). pose proof (vk (k + k)).
  exists (sqrt t). fold v. split; [|apply sqrt_mult; lra].
  rewrite pow_add in A, B. split.
  - rewrite <- (sqrt_square (v ^ k)) by lra. apply sqrt_le_1_alt. exact A.
  - rewrite <- (sqrt_square (/ v ^ k)) by (left; apply Rinv_0_lt_compat; auto).
    apply sqrt_le_1_alt. rewrite <- Rinv_mult. exact B. Qed.
Lemma within_abs k x a : within k x a -> within k (Rabs x) (Rabs a).
Proof. intros (t & [A B] & ->). fold v in A. pose proof (vk k). exists t. split; auto.
  rewrite Rabs_mult, (Rabs_right t) by lra. reflexivity. Qed.
Lemma within_flip k x a : within k x a -> within k (Rabs x - x) (Rabs a - a).
Proof. intros (t & [A B] & ->). fold v in A. pose proof (vk k). exists t. split; auto.
  rewrite Rabs_mult, (Rabs_right t) by lra. ring. Qed.
Lemma within_opp k x a : within k x a -> within k (- x) (- a).
Proof. intros (t & T & ->). exists t. split; auto. ring. Qed.
Lemma within_zero k x a : within k x a -> (x = 0 <-> a = 0).
Proof. intros (t & [A B] & ->). fold v in A. pose proof (vk k). split; intros H0.
  - apply Rmult_integral in H0. destruct H0; lra.
  - rewrite H0. ring. Qed.
Lemma within_pos k x a : 0 < a -> within k x a -> 0 < x.
Proof. intros Ha (t & [A B] & ->). fold v in A. pose proof (vk k). apply Rmult_lt_0_compat; lra. Qed.

Lemma rnd_0 : rnd 0 = 0.
Proof. apply (within_zero 1 (rnd 0) 0); auto. apply within_round, within_refl. Qed.

Lemma ratio_quotient a b : b <> 0 -> ratio a b = a / b.
Proof. intros H. unfold ratio. destruct (Req_EM_T b 0); [tauto|]. f_equal. ring. Qed.

(* The guard of 0 / 0 costs nothing where the divisor is a rounded number and not 0. *)
Lemma within_ratio j k x y a b : b <> 0 -> within j x a -> within k (rnd y) b ->
  within (j + k + 1) (Rounded.ratio rnd x (rnd y)) (ratio a b).
Proof. intros Hb Hx Hy. unfold Rounded.ratio, ratio.
  destruct (Req_EM_T (rnd y) 0) as [Z|_]; [elim Hb; apply (within_zero k (rnd y) b); auto|].
  destruct (Req_EM_T b 0); [tauto|].
  rewrite !Rmult_0_r, rnd_0, !Rplus_0_r, rounded_once.
  replace (j + k + 1)%nat with (S (j + k)) by lia.
  apply within_round, within_div; auto. Qed.
Lemma within_sum j k x y a b : 0 <= a -> 0 <= b -> within j x a -> within k y b ->
  within (S (max j k)) (rnd (x + y)) (a + b).
Proof. intros Ha Hb Hx Hy. apply within_round, within_add; auto.
  apply within_weaken with j; auto; lia. apply within_weaken with k; auto; lia. Qed.
Lemma within_product j k x y a b : within j x a -> within k y b -> within (S (j + k)) (rnd (x * y)) (a * b).
Proof. intros. apply within_round, within_mult; auto. Qed.
Lemma square_nonneg x : 0 <= x * x. Proof. apply Rle_0_sqr. Qed.

Theorem rounded_without_self_pairs x p : p <> 1 ->
  within 2 (Rounded.without_self_pairs rnd x p) (without_self_pairs x p).
Proof. intros H. unfold Rounded.without_self_pairs, without_self_pairs. apply within_round.
  apply (within_div 0 1); [lra | apply within_refl | apply within_round, within_refl]. Qed.

Section Functions.
Variable m : Moments.
Hypothesis var_r_nonneg : 0 <= Moments_var_r m.
Hypothesis var_y_nonneg : 0 <= Moments_var_y m.

Lemma within_stretched b : within 2 (rnd (rnd (b * b) * Moments_var_y m)) (b * b * Moments_var_y m).
Proof. apply (within_product 1 0); [|apply within_refl]. apply (within_product 0 0); apply within_refl. Qed.
Lemma stretched_nonneg b : 0 <= b * b * Moments_var_y m.
Proof. apply Rmult_le_pos; auto. apply square_nonneg. Qed.

Theorem rounded_error_variance : within 3 (Rounded.error_variance rnd m) (error_variance m).
Proof. apply (within_sum 0 2); [auto | apply stretched_nonneg | apply within_refl | apply within_stretched]. Qed.
Theorem rounded_prediction_variance :
  within 3 (Rounded.prediction_variance rnd m) (prediction_variance m).
Proof. apply (within_sum 0 2); [auto | apply stretched_nonneg | apply within_refl | apply within_stretched]. Qed.
Theorem rounded_scaled_difference c :
  within 5 (Rounded.scaled_difference rnd m c) (scaled_difference m c).
Proof. apply (within_sum 0 4); [auto | apply stretched_nonneg | apply within_refl |].
  apply (within_product 3 0); [|apply within_refl].
  apply (within_product 1 1); apply within_round, within_refl. Qed.
Lemma error_variance_nonneg : 0 <= error_variance m.
Proof. apply Rplus_le_le_0_compat; auto. apply stretched_nonneg. Qed.
Lemma prediction_variance_nonneg : 0 <= prediction_variance m.
Proof. apply Rplus_le_le_0_compat; auto. apply stretched_nonneg. Qed.

(* --- 1 - CCC --- *)
Theorem rounded_concordance_scale : within 5 (Rounded.concordance_scale rnd m) (concordance_scale m).
Proof. pose proof prediction_variance_nonneg. apply (within_sum 4 1).
  - apply Rplus_le_le_0_compat; auto.
  - apply square_nonneg.
  - apply (within_sum 3 0); auto; [apply rounded_prediction_variance | apply within_refl].
  - apply (within_product 0 0); apply within_refl. Qed.
Theorem rounded_one_minus_concordance : concordance_scale m <> 0 ->
  within 10 (Rounded.one_minus_concordance rnd m) (one_minus_concordance m).
Proof. intros H. apply (within_ratio 4 5); auto.
  - apply (within_sum 3 1); [apply error_variance_nonneg | apply square_nonneg | apply rounded_error_variance |].
    apply (within_product 0 0); apply within_refl.
  - apply rounded_concordance_scale. Qed.

(* --- 1 - rho --- *)
Hypothesis var_f_pos : 0 < prediction_variance m.
Hypothesis var_y_pos : 0 < Moments_var_y m.
Let s_f := sqrt (prediction_variance m).
Let s_y := sqrt (Moments_var_y m).
Let r_f := rnd (sqrt (Rounded.prediction_variance rnd m)).
Let r_y := rnd (sqrt (Moments_var_y m)).
Let s_f_pos : 0 < s_f. Proof. apply sqrt_lt_R0; auto. Qed.
Let s_y_pos : 0 < s_y. Proof. apply sqrt_lt_R0; auto. Qed.
Let within_s_f : within 3 r_f s_f.
Proof. apply within_round, (within_sqrt 2); [lra|].
  apply within_weaken with 3%nat; [lia | apply rounded_prediction_variance]. Qed.
Let within_s_y : within 1 r_y s_y. Proof. apply within_round, within_refl. Qed.
Let g := Moments_scale m * s_y.
Let r_g := rnd (Moments_scale m * r_y).
Let within_g : within 2 r_g g.
Proof. apply (within_product 0 1); auto using within_refl. Qed.

Theorem rounded_one_minus_pearson :
  within 10 (Rounded.one_minus_pearson rnd m) (one_minus_pearson m).
Proof.
  assert (Rf : 0 < r_f) by (apply (within_pos 3 r_f s_f); auto).
  assert (Ry : 0 < r_y) by (apply (within_pos 1 r_y s_y); auto).
  unfold Rounded.one_minus_pearson, one_minus_pearson. cbv zeta.
  fold r_f r_y. fold s_f s_y. fold g r_g.
  destruct (Req_EM_T s_f 0); [lra|]. destruct (Req_EM_T s_y 0); [lra|].
  destruct (Req_EM_T r_f 0); [lra|]. destruct (Req_EM_T r_y 0); [lra|].
  rewrite !Rmult_0_r, !rnd_0, !Rminus_0_r, rnd_0.
  replace (0 / 4) with 0 by field. rewrite rnd_0, !Rplus_0_r, rounded_once.
  pose proof (Rabs_pos g).
  assert (D : 0 < s_f * (s_f + Rabs g)) by (apply Rmult_lt_0_compat; lra).
  apply (within_sum 9 7).
  - rewrite ratio_quotient by lra. apply Rmult_le_pos; auto. left. apply Rinv_0_lt_compat; auto.
  - rewrite ratio_quotient by lra. apply Rmult_le_pos; [|left; apply Rinv_0_lt_compat; auto].
    unfold Rabs; destruct (Rcase_abs g); lra.
  - apply (within_ratio 0 8); [lra | apply within_refl |]. apply (within_product 3 4); auto.
    apply (within_sum 3 2); auto using within_abs. left; auto.
  - apply (within_ratio 3 3); [lra | apply within_round, within_flip; auto | auto]. Qed.

Theorem rounded_one_minus_pearson_gradient :
  within 10 (Gradient_residual (Rounded.one_minus_pearson_gradient rnd m))
    (Gradient_residual (one_minus_pearson_gradient m))
  /\ within 10 (Gradient_label (Rounded.one_minus_pearson_gradient rnd m))
    (Gradient_label (one_minus_pearson_gradient m)).
Proof.
  unfold Rounded.one_minus_pearson_gradient, one_minus_pearson_gradient. cbv zeta.
  cbn [Gradient_residual Gradient_label].
  fold r_f r_y. fold s_f s_y. fold g r_g. split.
  - apply (within_ratio 6 3); [lra | | apply rounded_prediction_variance].
    apply (within_ratio 2 3); [lra | auto | auto].
  - apply within_opp. apply (within_ratio 4 5).
    + apply Rgt_not_eq, Rmult_lt_0_compat; auto.
    + apply (within_ratio 0 3); [lra | apply within_refl | apply rounded_prediction_variance].
    + apply (within_product 3 1); auto. Qed.

(* --- the other gradients, where twice a stored number is one --- *)
Theorem rounded_error_variance_gradient : rnd (Moments_slope m) = Moments_slope m ->
  within 0 (Gradient_label (Rounded.error_variance_gradient rnd m))
    (Gradient_label (error_variance_gradient m)).
Proof. intros E. simpl. rewrite doubling by auto. apply within_refl. Qed.

Theorem rounded_one_minus_concordance_gradient : rnd (Moments_scale m) = Moments_scale m ->
  within 14 (Gradient_conventional (Rounded.one_minus_concordance_gradient rnd m))
    (Gradient_conventional (one_minus_concordance_gradient m))
  /\ within 13 (Gradient_residual (Rounded.one_minus_concordance_gradient rnd m))
    (Gradient_residual (one_minus_concordance_gradient m)).
Proof. intros E.
  assert (P : concordance_scale m <> 0).
  { unfold concordance_scale, square. pose proof (square_nonneg (Moments_mean_d m)). lra. }
  unfold Rounded.one_minus_concordance_gradient, one_minus_concordance_gradient. cbv zeta.
  cbn [Gradient_conventional Gradient_residual]. rewrite (doubling (Moments_scale m)) by auto.
  assert (C : within 7 (Rounded.ratio rnd (rnd (2 * Moments_scale m * Moments_var_y m)) (Rounded.concordance_scale rnd m))
    (ratio (2 * Moments_scale m * Moments_var_y m) (concordance_scale m))).
  { apply (within_ratio 1 5); auto using rounded_concordance_scale.
    apply (within_product 0 0); apply within_refl. }
  rewrite doubling by apply rounded_once.
  assert (T : within 7 (2 * Rounded.ratio rnd (rnd (2 * Moments_scale m * Moments_var_y m)) (Rounded.concordance_scale rnd m))
    (2 * ratio (2 * Moments_scale m * Moments_var_y m) (concordance_scale m))).
  { apply (within_mult 0 7); auto using within_refl. }
  split.
  - apply (within_ratio 8 5); auto using rounded_concordance_scale.
    apply (within_product 7 0); auto using within_refl.
  - apply (within_ratio 7 5); auto using rounded_concordance_scale. Qed.
End Functions.

(* Merging: what is a sum of squares or of losses. The means and slopes have no such bound. *)
Theorem rounded_merge (a b : Moments) :
  0 <= Moments_weight a -> 0 <= Moments_weight b -> Moments_weight a + Moments_weight b <> 0 ->
  0 <= Moments_var_y a -> 0 <= Moments_var_y b ->
  0 <= Moments_conventional a -> 0 <= Moments_conventional b ->
  within 1 (Moments_weight (Rounded.merge rnd a b)) (Moments_weight (merge a b))
  /\ within 10 (Moments_var_y (Rounded.merge rnd a b)) (Moments_var_y (merge a b))
  /\ within 4 (Moments_conventional (Rounded.merge rnd a b)) (Moments_conventional (merge a b)).
Proof. intros Wa Wb Wn Va Vb Ca Cb. unfold Rounded.merge, merge. cbv zeta.
  cbn [Moments_weight Moments_var_y Moments_conventional].
  assert (Sh : forall x, 0 <= x -> 0 <= ratio x (Moments_weight a + Moments_weight b)).
  { intros x Hx. rewrite ratio_quotient by auto. apply Rmult_le_pos; auto.
    left. apply Rinv_0_lt_compat. lra. }
  pose proof (Sh _ Wa) as Pa. pose proof (Sh _ Wb) as Pb.
  assert (Wt : within 1 (rnd (Moments_weight a + Moments_weight b)) (Moments_weight a + Moments_weight b))
    by (apply within_round, within_refl).
  assert (P : forall x, within 2 (Rounded.ratio rnd x (rnd (Moments_weight a + Moments_weight b)))
    (ratio x (Moments_weight a + Moments_weight b))).
  { intros x. apply (within_ratio 0 1); auto using within_refl. }
  repeat split; auto.
  - apply (within_sum 4 9).
    + apply Rplus_le_le_0_compat; apply Rmult_le_pos; auto.
    + apply Rmult_le_pos; [apply Rmult_le_pos; auto | apply square_nonneg].
    + apply (within_sum 3 3); try (apply Rmult_le_pos; auto); apply (within_product 2 0); auto using within_refl.
    + apply (within_product 5 3).
      * apply (within_product 2 2); auto.
      * apply (within_product 1 1); apply within_round, within_refl.
  - apply (within_sum 3 3); try (apply Rmult_le_pos; auto); apply (within_product 2 0); auto using within_refl. Qed.
End Rounding.
