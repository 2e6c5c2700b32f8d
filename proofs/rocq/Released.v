(* What the authors' released code computes instead of the paper's loss; the motivating example. *)
From Coq Require Import Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From GAR Require Import Sums Formulas Aggregation Batch.
Open Scope R_scope.

Section Released.
Variable N : nat.
Variable w : nat -> R.
Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W N w.
Local Notation mean := (Batch.mean N w).
Variables f y : nat -> R.
Let d i := f i - y i.

(* The scales k s_f and k s_y: k^2 = N / (N - 1) for unbiased standard deviations, 1 for the paper. *)
Theorem released_terms k eps : 0 < k -> 0 < var N w f -> 0 < var N w y ->
  released_sub_losses f y mean (k * sqrt (var N w f)) (k * sqrt (var N w y)) eps
  = (mean (fun i => Rabs (d i)) + eps, var N w d / 2 + eps, (1 - rho N w f y) / k ^ 2 + eps).
Proof. intros Hk Hf Hy. unfold released_sub_losses, absolute, square, d. cbv zeta.
  match goal with |- (_, _, ?x) = (_, _, ?z) => enough (E : x = z) by (rewrite E; reflexivity) end.
  f_equal.
  pose proof (sqrt_lt_R0 _ Hf) as Sf. pose proof (sqrt_lt_R0 _ Hy) as Sy.
  pose proof (sqrt_sqrt (var N w f) ltac:(lra)) as Ff. pose proof (sqrt_sqrt (var N w y) ltac:(lra)) as Fy.
  unfold rho. set (a := sqrt (var N w f)) in *. set (b := sqrt (var N w y)) in *.
  rewrite (mean_ext N w _ (fun i => / (k * a) ^ 2 * ((f i - mean f) * (f i - mean f))
    + ((-2 / (k * a * (k * b))) * ((f i - mean f) * (y i - mean y))
    + / (k * b) ^ 2 * ((y i - mean y) * (y i - mean y))))) by (intros; field; lra).
  rewrite !mean_plus, !mean_scal by auto.
  change (mean (fun i => (f i - mean f) * (f i - mean f))) with (var N w f).
  change (mean (fun i => (y i - mean y) * (y i - mean y))) with (var N w y).
  change (mean (fun i => (f i - mean f) * (y i - mean y))) with (cov N w f y).
  rewrite <- Ff, <- Fy. field. repeat split; lra. Qed.

Theorem unbiased_scale n a : (2 <= n)%nat -> 0 <= a ->
  sqrt (a * (INR n / (INR n - 1))) = sqrt (INR n / (INR n - 1)) * sqrt a
  /\ 0 < sqrt (INR n / (INR n - 1))
  /\ forall x, x / sqrt (INR n / (INR n - 1)) ^ 2 = (INR n - 1) / INR n * x.
Proof. intros Hn Ha. apply le_INR in Hn. simpl in Hn.
  assert (P : 0 < INR n / (INR n - 1)) by (apply Rdiv_lt_0_compat; lra).
  repeat split.
  - rewrite (Rmult_comm a), sqrt_mult by lra. reflexivity.
  - apply sqrt_lt_R0; auto.
  - intros x. replace (sqrt (INR n / (INR n - 1)) ^ 2) with (INR n / (INR n - 1)).
    field. lra. rewrite <- (sqrt_sqrt (INR n / (INR n - 1))) at 1 by lra. ring. Qed.

(* Dividing the losses by exp(s) and not adding s back shifts the value and leaves the gradient. *)
Theorem normaliser_shifts M a s c (l : nat -> R) : (0 < M)%nat -> 0 < a ->
  kl_dro (fun k => l k - s) a c (Aggregation.mean M) = kl_dro l a c (Aggregation.mean M) - s.
Proof. intros HM Ha. assert (MR : 0 < INR M) by (apply lt_0_INR; auto).
  rewrite !code_powers by auto. unfold power, Aggregation.mean.
  rewrite (bsum_ext M (fun i => exp ((l i - s - c) / a)) (fun i => exp (- s / a) * exp ((l i - c) / a))).
  2:{ intros i _. rewrite <- exp_plus. f_equal. field. lra. }
  assert (0 < bsum M (fun i => exp ((l i - c) / a))) by (apply bsum_pos; auto; intros; apply exp_pos).
  rewrite bsum_scal.
  replace (exp (- s / a) * bsum M (fun i => exp ((l i - c) / a)) / INR M)
    with (exp (- s / a) * (bsum M (fun i => exp ((l i - c) / a)) / INR M)) by (field; lra).
  rewrite ln_mult, ln_exp by (try apply exp_pos; apply Rdiv_lt_0_compat; auto).
  field. lra. Qed.

(* The mean of (d - b)^2 is the error variance and the squared distance of b from the mean error. *)
Theorem mean_square_split conventional s b :
  let m := code_moments N w f y conventional s in
  mean (fun i => square (f i - b - y i)) = error_variance m + (Moments_mean_d m - b) ^ 2.
Proof. intros m. unfold m. rewrite code_theorem_1 by auto.
  destruct (theorem_1 N w weight_pos f y) as [-> _].
  destruct (moments_are N w weights_nonneg weight_pos f y conventional s) as (_ & -> & _).
  unfold var. rewrite cov_sums by auto. unfold square.
  rewrite (mean_ext N w (fun i => (f i - b - y i) * (f i - b - y i))
    (fun i => (f i - y i) * (f i - y i) + ((-2 * b) * (f i - y i) + b ^ 2))) by (intros; ring).
  rewrite (mean_plus N w), (mean_plus N w weight_pos (fun i => (-2 * b) * (f i - y i))), (mean_scal N w),
    (mean_const N w) by auto. ring. Qed.
End Released.

(* Huber's function and the other conventional losses, with their derivatives. *)
Theorem huber_is d delta : 0 < delta ->
  let clipped := Rmin delta (Rmax (- delta) d) in
  huber d clipped = (if Rle_dec (Rabs d) delta then d ^ 2 / 2 else delta * (Rabs d - delta / 2)).
Proof. intros Hd clipped. unfold clipped, huber, Rmin, Rmax.
  destruct (Rle_dec (- delta) d) as [A|A]; [destruct (Rle_dec delta d) as [B|B] | destruct (Rle_dec delta (- delta)) as [B|B]; [lra|]];
  unfold Rabs; destruct (Rcase_abs d); destruct (Rle_dec _ delta) as [C|C]; try lra; try field.
  replace d with delta by lra. field. Qed.
Theorem square_derivative d : is_derive square d (square_slope d).
Proof. unfold square, square_slope. auto_derive; auto. ring. Qed.
Theorem absolute_derivative d : d <> 0 -> is_derive absolute d (absolute_slope d).
Proof. intros H. unfold absolute, absolute_slope, Formulas.sign.
  destruct (Rlt_dec 0 d) as [A|A].
  - apply (is_derive_ext_loc (fun x => x)).
    + apply filter_imp with (2 := open_gt 0 d A). intros x Hx. rewrite Rabs_right; auto. lra.
    + apply (is_derive_id d).
  - destruct (Rlt_dec d 0) as [B|B]; [|lra].
    apply (is_derive_ext_loc (fun x => - x)).
    + apply filter_imp with (2 := open_lt 0 d B). intros x Hx. rewrite Rabs_left; auto.
    + apply (is_derive_opp (fun x : R => x) d 1). apply (is_derive_id d). Qed.
Theorem absolute_at_0 : absolute 0 = 0 /\ absolute_slope 0 = 0.
Proof. unfold absolute, absolute_slope, Formulas.sign. rewrite Rabs_R0. split; auto.
  destruct (Rlt_dec 0 0); lra. Qed.

(* Huber's function lies between its tangents and the parabolas on them; its derivative follows. *)
Definition clip (delta d : R) := Rmin delta (Rmax (- delta) d).
Lemma clip_is delta d : 0 < delta -> - delta <= clip delta d <= delta
  /\ (clip delta d = d \/ clip delta d = delta /\ delta <= d \/ clip delta d = - delta /\ d <= - delta).
Proof. intros H. unfold clip, Rmin, Rmax. destruct (Rle_dec (- delta) d); destruct (Rle_dec delta _); lra. Qed.
Lemma huber_tangent delta d x : 0 < delta ->
  0 <= huber x (clip delta x) - huber d (clip delta d) - clip delta d * (x - d) <= (x - d) ^ 2 / 2.
Proof. intros H. destruct (clip_is delta d H) as [Bd Cd]. destruct (clip_is delta x H) as [Bx Cx].
  set (c := clip delta d) in *. set (k := clip delta x) in *. unfold huber.
  assert (P : 0 <= (k - c) * (x - k)) by (destruct Cx as [Cx|[[Cx ?]|[Cx ?]]]; rewrite Cx in *; nra).
  assert (Q : 0 <= (c - k) * (d - c)) by (destruct Cd as [Cd|[[Cd ?]|[Cd ?]]]; rewrite Cd in *; nra).
  pose proof (pow2_ge_0 (k - c)). pose proof (pow2_ge_0 ((x - k) - (d - c))). split; lra. Qed.
Theorem huber_derivative delta d : 0 < delta ->
  is_derive (fun x => huber x (clip delta x)) d (clip delta d).
Proof. intros Hd. apply is_derive_Reals. intros eps He. exists (mkposreal eps He). intros h Nh Hh.
  simpl in Hh. pose proof (huber_tangent delta d (d + h) Hd) as T.
  replace (d + h - d) with h in T by ring.
  set (gap := huber (d + h) (clip delta (d + h)) - huber d (clip delta d)) in *.
  pose proof (Rabs_pos_lt h Nh) as Ph.
  replace (gap / h - clip delta d) with ((gap - clip delta d * h) / h) by (field; auto).
  unfold Rdiv at 1. rewrite Rabs_mult, Rabs_inv, (Rabs_right (gap - _)) by lra.
  apply Rmult_lt_reg_r with (Rabs h); auto. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  assert (Sq : h ^ 2 = Rabs h * Rabs h) by (rewrite <- Rabs_mult, Rabs_right; [ring | apply Rle_ge, Rle_0_sqr]).
  assert (Rabs h * Rabs h < eps * Rabs h) by (apply Rmult_lt_compat_r; auto).
  assert (0 < Rabs h * Rabs h) by (apply Rmult_lt_0_compat; auto). lra. Qed.

(* eps changes the derivative of the logarithm of a loss. *)
Theorem log_derivative_with_eps L eps : 0 < L -> 0 < eps ->
  is_derive (fun x => ln (x + eps)) L (/ (L + eps))
  /\ / (L + eps) = / L - eps / (L * (L + eps)).
Proof. intros HL He. split.
  - auto_derive; [lra|]. field. lra.
  - field. lra. Qed.

(* The two batches of the motivating example: equal errors in size, variances 1 and 0, and what one
   correction leaves of them. *)
Definition scattered (i : nat) : R := match i with 0%nat | 2%nat => 1 | _ => -1 end.
Theorem motivating_batches y conventional s :
  let moments d := code_moments 4 (fun _ => 1) (fun i => y i + d i) y conventional s in
  let mean := Batch.mean 4 (fun _ => 1) in
  error_variance (moments scattered) = 1 /\ error_variance (moments (fun _ => 1)) = 0
  /\ mean (fun i => absolute (scattered i)) = 1 /\ mean (fun i => absolute 1) = 1
  /\ mean (fun i => square (scattered i)) = 1 /\ mean (fun i => square 1) = 1
  /\ Moments_mean_d (moments scattered) = 0 /\ Moments_mean_d (moments (fun _ => 1)) = 1.
Proof. intros m mean.
  assert (P : forall i, (i < 4)%nat -> 0 <= (fun _ : nat => 1) i) by (intros; lra).
  assert (PW : 0 < W 4 (fun _ => 1)) by (unfold W; simpl; lra).
  assert (V : forall d, error_variance (m d) = var 4 (fun _ => 1) d).
  { intros d. unfold m. rewrite error_variance_is by auto. apply cov_ext; intros; ring. }
  assert (D : forall d, Moments_mean_d (m d) = mean d).
  { intros d. unfold m. destruct (moments_are 4 (fun _ => 1) P PW (fun i => y i + d i) y conventional s)
      as (_ & -> & _). apply mean_ext. intros; ring. }
  rewrite !V, !D. unfold mean, var, cov, Batch.mean, S, W, absolute, square. simpl.
  rewrite (Rabs_left (-1)), Rabs_R1 by lra. repeat split; field. Qed.
