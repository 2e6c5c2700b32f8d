(* Weighted batches of any size: Theorems 1, 2 and 3, and what the code's moments are.
   Weights are not negative and have a positive sum; all ones give the paper's statements. *)
From Coq Require Import Reals Lra Lia.
From GAR Require Import Sums Formulas.
Open Scope R_scope.

Lemma pow2_0 x : x ^ 2 = 0 -> x = 0.
Proof. intros E. apply Rsqr_0_uniq. unfold Rsqr. lra. Qed.
Lemma ratio_div a b : b <> 0 -> ratio a b = a / b.
Proof. intros H. unfold ratio. destruct (Req_EM_T b 0); [tauto|]. f_equal. ring. Qed.
Lemma ratio_0 a : ratio a 0 = a.
Proof. unfold ratio. destruct (Req_EM_T 0 0); [field | tauto]. Qed.

Section Batch.
Variable N : nat.
Variable w : nat -> R.
Definition S (a : nat -> R) := bsum N (fun i => w i * a i).
Definition W := bsum N w.
Definition mean (a : nat -> R) := S a / W.
Definition cov (a b : nat -> R) := mean (fun i => (a i - mean a) * (b i - mean b)).
Definition var (a : nat -> R) := cov a a.
Definition pairs (g : nat -> nat -> R) := bsum N (fun i => bsum N (fun j => w i * w j * g i j)).
Definition rho f y := cov f y / (sqrt (var f) * sqrt (var y)).

Hypothesis weights_nonneg : forall i, (i < N)%nat -> 0 <= w i.
Hypothesis weight_pos : 0 < W.

Lemma S_ext a b : (forall i, (i < N)%nat -> a i = b i) -> S a = S b.
Proof. intros H. apply bsum_ext. intros; rewrite H; auto. Qed.
Lemma S_plus a b : S (fun i => a i + b i) = S a + S b.
Proof. unfold S. rewrite <- bsum_plus. apply bsum_ext; intros; ring. Qed.
Lemma S_minus a b : S (fun i => a i - b i) = S a - S b.
Proof. unfold S. rewrite <- bsum_minus. apply bsum_ext; intros; ring. Qed.
Lemma S_scal c a : S (fun i => c * a i) = c * S a.
Proof. unfold S. rewrite <- bsum_scal. apply bsum_ext; intros; ring. Qed.
Lemma S_const c : S (fun _ => c) = W * c.
Proof. unfold S, W. rewrite <- bsum_scalr. apply bsum_ext; intros; ring. Qed.

Lemma mean_ext a b : (forall i, (i < N)%nat -> a i = b i) -> mean a = mean b.
Proof. intros H. unfold mean. rewrite (S_ext a b); auto. Qed.
Lemma mean_plus a b : mean (fun i => a i + b i) = mean a + mean b.
Proof. unfold mean. rewrite S_plus. field. lra. Qed.
Lemma mean_minus a b : mean (fun i => a i - b i) = mean a - mean b.
Proof. unfold mean. rewrite S_minus. field. lra. Qed.
Lemma mean_scal c a : mean (fun i => c * a i) = c * mean a.
Proof. unfold mean. rewrite S_scal. field. lra. Qed.
Lemma mean_const c : mean (fun _ => c) = c.
Proof. unfold mean. rewrite S_const. field. lra. Qed.
Lemma mean_ge0 a : (forall i, (i < N)%nat -> 0 <= a i) -> 0 <= mean a.
Proof. intros H. apply Rmult_le_pos; [|left; apply Rinv_0_lt_compat; auto].
  apply bsum_ge0. intros. apply Rmult_le_pos; auto. Qed.

Lemma cov_sums a b : cov a b = mean (fun i => a i * b i) - mean a * mean b.
Proof. unfold cov. set (A := mean a). set (B := mean b).
  rewrite (mean_ext _ (fun i => a i * b i - (A * b i + (B * a i - A * B)))) by (intros; ring).
  rewrite mean_minus, mean_plus, mean_minus, !mean_scal, mean_const. fold A B. ring. Qed.
Lemma cov_sym a b : cov a b = cov b a.
Proof. unfold cov. apply mean_ext. intros; ring. Qed.
Lemma cov_ext a a' b b' : (forall i, (i < N)%nat -> a i = a' i) ->
  (forall i, (i < N)%nat -> b i = b' i) -> cov a b = cov a' b'.
Proof. intros H K. unfold cov. rewrite (mean_ext a a'), (mean_ext b b') by auto.
  apply mean_ext. intros. rewrite H, K; auto. Qed.
Lemma cov_plus_l a b c : cov (fun i => a i + b i) c = cov a c + cov b c.
Proof. rewrite !cov_sums, mean_plus.
  rewrite (mean_ext _ (fun i => a i * c i + b i * c i)) by (intros; ring). rewrite mean_plus. ring. Qed.
Lemma cov_scal_l k a c : cov (fun i => k * a i) c = k * cov a c.
Proof. rewrite !cov_sums, mean_scal.
  rewrite (mean_ext _ (fun i => k * (a i * c i))) by (intros; ring). rewrite mean_scal. ring. Qed.
Lemma cov_shift_l k a c : cov (fun i => a i + k) c = cov a c.
Proof. unfold cov. rewrite mean_plus, mean_const. apply mean_ext. intros; ring. Qed.
Lemma var_ge0 a : 0 <= var a.
Proof. apply mean_ge0. intros. apply Rle_0_sqr. Qed.

(* --- sums over pairs --- *)
Lemma pairs_ext g h : (forall i j, (i < N)%nat -> (j < N)%nat -> g i j = h i j) -> pairs g = pairs h.
Proof. intros H. apply bsum_ext; intros; apply bsum_ext; intros; rewrite H; auto. Qed.
Lemma pairs_ge0 g : (forall i j, (i < N)%nat -> (j < N)%nat -> 0 <= g i j) -> 0 <= pairs g.
Proof. intros H. apply bsum_ge0; intros; apply bsum_ge0; intros.
  apply Rmult_le_pos; auto. apply Rmult_le_pos; auto. Qed.
Lemma pairs_plus g h : pairs (fun i j => g i j + h i j) = pairs g + pairs h.
Proof. unfold pairs. rewrite <- bsum_plus. apply bsum_ext; intros. rewrite <- bsum_plus.
  apply bsum_ext; intros; ring. Qed.
Lemma pairs_scal c g : pairs (fun i j => c * g i j) = c * pairs g.
Proof. unfold pairs. rewrite <- bsum_scal. apply bsum_ext; intros. rewrite <- bsum_scal.
  apply bsum_ext; intros; ring. Qed.
Lemma pairs_prod a b : pairs (fun i j => a i * b j) = S a * S b.
Proof. unfold pairs, S.
  rewrite (bsum_ext N _ (fun i => (w i * a i) * bsum N (fun j => w j * b j))).
  - rewrite bsum_scalr. ring.
  - intros. rewrite <- bsum_scal. apply bsum_ext; intros; ring. Qed.
Lemma pairs_one_sided b : pairs (fun i j => b j) = W * S b.
Proof. rewrite (pairs_ext _ (fun i j => 1 * b j)) by (intros; ring).
  rewrite (pairs_prod (fun _ => 1) b), S_const. ring. Qed.
Lemma pairs_eq0 g : (forall i j, (i < N)%nat -> (j < N)%nat -> 0 <= g i j) -> pairs g = 0 ->
  forall i j, (i < N)%nat -> (j < N)%nat -> 0 < w i -> 0 < w j -> g i j = 0.
Proof. intros P E i j Hi Hj Wi Wj.
  assert (I : forall a b, (a < N)%nat -> (b < N)%nat -> 0 <= w a * w b * g a b).
  { intros. apply Rmult_le_pos; auto. apply Rmult_le_pos; auto. }
  assert (Z : w i * w j * g i j = 0).
  { apply (bsum_eq0 N (fun j => w i * w j * g i j)); auto.
    apply (bsum_eq0 N (fun i => bsum N (fun j => w i * w j * g i j))); auto.
    intros; apply bsum_ge0; auto. }
  apply Rmult_integral in Z. destruct Z as [Z|Z]; auto.
  apply Rmult_integral in Z. lra. Qed.

Lemma pairs_cov a b : pairs (fun i j => (a i - a j) * (b i - b j)) = 2 * W ^ 2 * cov a b.
Proof.
  rewrite (pairs_ext _ (fun i j => (a i * b i) * 1 + ((-1) * (a i * b j) + ((-1) * (b i * a j)
    + 1 * (a j * b j))))) by (intros; ring).
  rewrite !pairs_plus, !pairs_scal.
  rewrite (pairs_prod (fun i => a i * b i) (fun _ => 1)), (pairs_prod a b), (pairs_prod b a).
  rewrite (pairs_one_sided (fun j => a j * b j)), S_const, cov_sums.
  unfold mean. field. lra. Qed.
Lemma var_pairs a : pairs (fun i j => (a i - a j) ^ 2) = 2 * W ^ 2 * var a.
Proof. rewrite (pairs_ext _ (fun i j => (a i - a j) * (a i - a j))) by (intros; ring).
  apply pairs_cov. Qed.

(* Var(y) = 0: labels differ where the weight is 0 only, and have no covariance with anything. *)
Lemma no_spread y : var y = 0 -> forall i, (i < N)%nat -> w i * (y i - mean y) = 0.
Proof. intros E i Hi.
  assert (Z : S (fun i => (y i - mean y) * (y i - mean y)) = 0).
  { unfold var, cov in E. unfold mean at 1 in E. apply Rmult_integral in E. destruct E as [E|E]; auto.
    apply Rinv_neq_0_compat in E; lra. }
  assert (P : forall k, (k < N)%nat -> 0 <= w k * ((y k - mean y) * (y k - mean y))).
  { intros. apply Rmult_le_pos; auto. apply Rle_0_sqr. }
  pose proof (bsum_eq0 N _ P Z i Hi) as T. simpl in T.
  apply Rmult_integral in T. destruct T as [T|T]; [rewrite T; ring|].
  apply Rsqr_0_uniq in T. rewrite T. ring. Qed.
Lemma no_cov a y : var y = 0 -> cov a y = 0.
Proof. intros E. unfold cov. set (A := mean a). set (B := mean y). unfold mean, S. rewrite (bsum_ext N _ (fun _ => 0)). rewrite bsum_const. field. lra.
  intros i Hi. replace (w i * ((a i - A) * (y i - B))) with ((a i - A) * (w i * (y i - B))) by ring.
  unfold B. rewrite no_spread; auto. ring. Qed.

(* --- Theorem 1 --- *)
Theorem theorem_1 f y :
  pairs (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2) / W ^ 2 = var (fun i => f i - y i)
  /\ var (fun i => f i - y i) = mean (fun i => ((f i - mean f) - (y i - mean y)) ^ 2).
Proof. split.
  - rewrite (pairs_ext _ (fun i j => / 2 * (((f i - y i) - (f j - y j)) * ((f i - y i) - (f j - y j)))))
      by (intros; ring).
    rewrite pairs_scal, (pairs_cov (fun i => f i - y i)). unfold var. field. lra.
  - unfold var, cov. rewrite mean_minus. apply mean_ext. intros; ring. Qed.

(* --- Theorem 2 --- *)
Definition norm2 a := sqrt (pairs (fun i j => (a i - a j) ^ 2)).
Definition ndiff f y s :=
  / 2 * pairs (fun i j => ((f i - f j) / norm2 f + s * ((y i - y j) / norm2 y)) ^ 2).

Lemma norm2_pos a : 0 < var a -> 0 < norm2 a.
Proof. intros H. apply sqrt_lt_R0. rewrite var_pairs.
  apply Rmult_lt_0_compat; auto. apply Rmult_lt_0_compat; [lra|]. apply pow_lt; auto. Qed.
Lemma norm2_eq a : norm2 a = sqrt 2 * W * sqrt (var a).
Proof. unfold norm2. rewrite var_pairs. pose proof (var_ge0 a).
  assert (0 <= W ^ 2) by (apply pow_le; lra).
  rewrite (sqrt_mult (2 * W ^ 2) (var a)) by (auto; apply Rmult_le_pos; lra).
  rewrite (sqrt_mult 2 (W ^ 2)) by lra. rewrite sqrt_pow2 by lra. ring. Qed.
Lemma norm2_sq a : norm2 a * norm2 a = 2 * W ^ 2 * var a.
Proof. unfold norm2. rewrite sqrt_sqrt; [apply var_pairs|].
  apply pairs_ge0; intros; apply pow2_ge_0. Qed.

Lemma ndiff_gen f y s : 0 < var f -> 0 < var y -> s * s = 1 -> ndiff f y s = 1 + s * rho f y.
Proof. intros Hf Hy Hs. unfold ndiff.
  pose proof (norm2_pos f Hf) as A. pose proof (norm2_pos y Hy) as B.
  set (a := norm2 f) in *. set (b := norm2 y) in *.
  rewrite (pairs_ext _ (fun i j => / (a * a) * (f i - f j) ^ 2 + ((2 * s / (a * b)) *
     ((f i - f j) * (y i - y j)) + / (b * b) * (y i - y j) ^ 2))).
  2:{ intros. replace (/ (b * b) * (y i - y j) ^ 2) with (s * s * (/ (b * b) * (y i - y j) ^ 2))
        by (rewrite Hs; ring). field. lra. }
  rewrite !pairs_plus, !pairs_scal, !var_pairs, pairs_cov.
  unfold a, b. rewrite !norm2_sq, !norm2_eq by lra. unfold rho.
  assert (0 < sqrt (var f)) by (apply sqrt_lt_R0; auto).
  assert (0 < sqrt (var y)) by (apply sqrt_lt_R0; auto).
  assert (0 < sqrt 2) by (apply sqrt_lt_R0; lra).
  assert (E : sqrt 2 * sqrt 2 = 2) by (apply sqrt_sqrt; lra).
  replace (2 * s / (sqrt 2 * W * sqrt (var f) * (sqrt 2 * W * sqrt (var y))))
    with (2 * s / ((sqrt 2 * sqrt 2) * W ^ 2 * (sqrt (var f) * sqrt (var y)))) by (field; lra).
  rewrite E. field. repeat split; lra. Qed.

Theorem theorem_2 f y : 0 < var f -> 0 < var y ->
  / 2 * pairs (fun i j => ((f i - f j) / norm2 f - (y i - y j) / norm2 y) ^ 2) = 1 - rho f y
  /\ 0 <= 1 - rho f y <= 2.
Proof. intros Hf Hy.
  assert (M := ndiff_gen f y (-1) Hf Hy ltac:(lra)).
  assert (P := ndiff_gen f y 1 Hf Hy ltac:(lra)).
  assert (0 <= ndiff f y (-1)) by (apply Rmult_le_pos; [lra|apply pairs_ge0; intros; apply pow2_ge_0]).
  assert (0 <= ndiff f y 1) by (apply Rmult_le_pos; [lra|apply pairs_ge0; intros; apply pow2_ge_0]).
  split; [|lra]. replace (1 - rho f y) with (1 + -1 * rho f y) by ring.
  rewrite <- M. unfold ndiff. f_equal. apply pairs_ext; intros; ring. Qed.

(* The ends of the range: 0 for the same direction, 2 for the opposite one. *)
Definition direction f y s :=
  exists c, 0 < c /\ forall i j, (i < N)%nat -> (j < N)%nat -> 0 < w i -> 0 < w j ->
    f i - f j = s * c * (y i - y j).

Lemma weighted_pairs_ext g h :
  (forall i j, (i < N)%nat -> (j < N)%nat -> 0 < w i -> 0 < w j -> g i j = h i j) ->
  pairs g = pairs h.
Proof. intros H. apply bsum_ext; intros i Hi; apply bsum_ext; intros j Hj.
  destruct (weights_nonneg i Hi) as [Wi|<-]; [|ring].
  destruct (weights_nonneg j Hj) as [Wj|<-]; [|ring]. rewrite H; auto. Qed.

Lemma ends f y s : 0 < var f -> 0 < var y -> s * s = 1 -> (ndiff f y (- s) = 0 <-> direction f y s).
Proof. intros Hf Hy Hs. pose proof (norm2_pos f Hf). pose proof (norm2_pos y Hy). split.
  - intros E. exists (norm2 f / norm2 y). split; [apply Rdiv_lt_0_compat; auto|].
    intros i j Hi Hj Wi Wj.
    assert (Z : ((f i - f j) / norm2 f + - s * ((y i - y j) / norm2 y)) ^ 2 = 0).
    { apply (pairs_eq0 (fun i j => ((f i - f j) / norm2 f + - s * ((y i - y j) / norm2 y)) ^ 2)); auto.
      intros; apply pow2_ge_0. unfold ndiff in E. lra. }
    apply pow2_0 in Z.
    replace (f i - f j) with (norm2 f * ((f i - f j) / norm2 f)) by (field; lra).
    replace ((f i - f j) / norm2 f) with (s * ((y i - y j) / norm2 y)) by lra. field. lra.
  - intros [c [Hc E]].
    assert (F : norm2 f = c * norm2 y).
    { unfold norm2.
      rewrite (weighted_pairs_ext (fun i j => (f i - f j) ^ 2) (fun i j => (c * c) * (y i - y j) ^ 2)).
      - rewrite pairs_scal, sqrt_mult. rewrite sqrt_square by lra. auto.
        apply Rmult_le_pos; lra. apply pairs_ge0; intros; apply pow2_ge_0.
      - intros. rewrite E by auto. replace ((s * c * (y i - y j)) ^ 2)
          with ((s * s) * (c * c * (y i - y j) ^ 2)) by ring. rewrite Hs. ring. }
    unfold ndiff. rewrite (weighted_pairs_ext _ (fun i j => 0 * 0)).
    + rewrite pairs_scal. ring.
    + intros. rewrite E, F by auto. replace (s * c * (y i - y j) / (c * norm2 y))
        with (s * ((y i - y j) / norm2 y)) by (field; lra). ring. Qed.

Theorem theorem_2_ends f y : 0 < var f -> 0 < var y ->
  (1 - rho f y = 0 <-> direction f y 1) /\ (1 - rho f y = 2 <-> direction f y (-1)).
Proof. intros Hf Hy. split.
  - rewrite <- (ends f y 1) by (auto; ring). rewrite ndiff_gen by (auto; ring). split; intros; lra.
  - rewrite <- (ends f y (-1)) by (auto; ring). rewrite ndiff_gen by (auto; ring). split; intros; lra.
Qed.

(* --- Theorem 3 --- *)
Definition Q f y c := pairs (fun i j => / 2 * ((f i - f j) - c * (y i - y j)) ^ 2) / W ^ 2.

Lemma Q_poly f y c : Q f y c = var f - 2 * c * cov f y + c * c * var y.
Proof. unfold Q.
  rewrite (pairs_ext _ (fun i j => / 2 * (f i - f j) ^ 2 + ((- c) * ((f i - f j) * (y i - y j)) +
     (c * c * / 2) * (y i - y j) ^ 2))) by (intros; field).
  rewrite !pairs_plus, !pairs_scal, !var_pairs, pairs_cov. field. lra. Qed.

Theorem theorem_3 f y : 0 < var y ->
  let cs := cov f y / var y in
  (forall c, Q f y c = Q f y cs + var y * (c - cs) ^ 2)
  /\ (forall c, Q f y cs <= Q f y c) /\ (forall c, Q f y c = Q f y cs -> c = cs)
  /\ (0 < var f -> Q f y cs = var f * (1 - rho f y ^ 2)).
Proof. intros Hy cs.
  assert (D : forall c, Q f y c = Q f y cs + var y * (c - cs) ^ 2).
  { intros. rewrite !Q_poly. unfold cs. field. lra. }
  repeat split; auto.
  - intros c. rewrite (D c). assert (0 <= var y * (c - cs) ^ 2)
      by (apply Rmult_le_pos; [lra|apply pow2_ge_0]). lra.
  - intros c H. rewrite (D c) in H. assert (E : var y * (c - cs) ^ 2 = 0) by lra.
    apply Rmult_integral in E. destruct E as [E|E]; [lra|]. apply pow2_0 in E. lra.
  - intros Hf. rewrite Q_poly. unfold cs, rho.
    replace ((cov f y / (sqrt (var f) * sqrt (var y))) ^ 2)
      with ((cov f y) ^ 2 / ((sqrt (var f) * sqrt (var f)) * (sqrt (var y) * sqrt (var y)))).
    rewrite !sqrt_sqrt by lra. field. lra.
    field. split; apply Rgt_not_eq, sqrt_lt_R0; auto. Qed.

(* --- what the code computes --- *)
Definition code_moments f y conventional s t :=
  moments (decompose f y mean s t) conventional W mean.

Section Code.
Variables f y conventional : nat -> R.
Variables s t : R.
Let d i := f i - y i.
Let m := code_moments f y conventional s t.

Lemma mean_shift a k : mean (fun i => a i - k) = mean a - k.
Proof. rewrite (mean_minus a (fun _ => k)), mean_const. ring. Qed.
Lemma mean_shifted_errors : mean (fun i => f i - s - (y i - t)) = mean d - s + t.
Proof. rewrite (mean_ext _ (fun i => d i - (s - t))) by (intros; unfold d; ring).
  rewrite mean_shift. ring. Qed.

Theorem moments_are : Moments_weight m = W /\ Moments_mean_d m = mean d /\ Moments_mean_y m = mean y
  /\ Moments_var_y m = var y /\ Moments_slope m = ratio (cov d y) (var y)
  /\ Moments_var_r m = var (fun i => d i - ratio (cov d y) (var y) * y i)
  /\ Moments_conventional m = mean conventional.
Proof. unfold m, code_moments, moments, decompose, split_errors, centred, residual; simpl.
  rewrite !mean_shifted_errors, !mean_shift.
  assert (V : mean (fun i => (y i - t - (mean y - t)) * (y i - t - (mean y - t))) = var y).
  { unfold var, cov. apply mean_ext; intros; ring. }
  assert (C : mean (fun i => (f i - s - (y i - t) - (mean d - s + t)) * (y i - t - (mean y - t)))
    = cov d y).
  { unfold cov. apply mean_ext; intros; unfold d; ring. }
  rewrite V, C. repeat split; try ring.
  set (b := ratio (cov d y) (var y)). unfold var, cov.
  rewrite mean_minus, mean_scal. apply mean_ext. intros; unfold d; ring. Qed.

Theorem slope_is : Moments_slope m * var y = cov d y.
Proof. destruct moments_are as (_ & _ & _ & _ & -> & _).
  destruct (Req_dec (var y) 0) as [E|E].
  - rewrite E, (no_cov d y E). ring.
  - rewrite ratio_div by auto. field. auto. Qed.

Theorem var_r_is : Moments_var_r m = var d - Moments_slope m ^ 2 * var y.
Proof. pose proof slope_is as SL. destruct moments_are as (_ & _ & _ & _ & -> & -> & _).
  destruct moments_are as (_ & _ & _ & _ & E & _). rewrite E in SL. clear E.
  set (b := ratio (cov d y) (var y)) in *.
  assert (X : var (fun i => d i - b * y i) = var d - 2 * b * cov d y + b ^ 2 * var y).
  { unfold var. rewrite (cov_ext _ (fun i => d i + (- b) * y i) _ (fun i => d i + (- b) * y i))
      by (intros; ring).
    rewrite cov_plus_l, cov_scal_l, (cov_sym d), (cov_sym y (fun i => d i + - b * y i)).
    rewrite !cov_plus_l, !cov_scal_l, (cov_sym y d). ring. }
  rewrite X, <- SL. ring. Qed.

Theorem code_theorem_1 :
  error_variance m = pairs (fun i j => / 2 * ((f i - f j) - (y i - y j)) ^ 2) / W ^ 2.
Proof. destruct (theorem_1 f y) as [-> _]. unfold error_variance, square. rewrite var_r_is.
  destruct moments_are as (_ & _ & _ & -> & _). fold d. ring. Qed.

Theorem scaled_covariance_is : scaling_factor m * var y = cov f y.
Proof. unfold scaling_factor. rewrite Rmult_plus_distr_r, slope_is.
  rewrite (cov_ext f (fun i => d i + y i) y y) by (intros; unfold d; ring).
  rewrite cov_plus_l. unfold var. ring. Qed.

Theorem prediction_variance_is : prediction_variance m = var f.
Proof. unfold prediction_variance, square. rewrite var_r_is.
  destruct moments_are as (_ & _ & _ & -> & _).
  assert (X : var f = var d + 2 * cov d y + var y).
  { unfold var at 1. rewrite (cov_ext f (fun i => d i + y i) f (fun i => d i + y i))
      by (intros; unfold d; ring).
    rewrite cov_plus_l, (cov_sym d), (cov_sym y (fun i => d i + y i)), !cov_plus_l, (cov_sym y d).
    unfold var. ring. }
  rewrite X, <- slope_is. ring. Qed.

Theorem code_theorem_3 c : scaled_difference m c = Q f y c
  /\ (0 < var y -> scaling_factor m = cov f y / var y).
Proof. pose proof scaled_covariance_is as SC. split.
  - rewrite Q_poly, <- prediction_variance_is, <- SC. unfold scaled_difference, prediction_variance, scaling_factor, square.
    destruct moments_are as (_ & _ & _ & -> & _). ring.
  - intros H. rewrite <- SC. field. lra. Qed.

Theorem correlation_is : 0 < var f -> 0 < var y ->
  1 - rho f y ^ 2 = Moments_var_r m / var f.
Proof. intros Hf Hy. unfold rho. rewrite <- scaled_covariance_is.
  replace ((scaling_factor m * var y / (sqrt (var f) * sqrt (var y))) ^ 2)
    with (scaling_factor m ^ 2 * (var y * var y) / ((sqrt (var f) * sqrt (var f)) * (sqrt (var y) * sqrt (var y)))).
  2:{ field. split; apply Rgt_not_eq, sqrt_lt_R0; auto. }
  rewrite !sqrt_sqrt by lra.
  assert (P := prediction_variance_is). unfold prediction_variance, square in P.
  destruct moments_are as (_ & _ & _ & E & _). rewrite E in P. unfold scaling_factor.
  replace (Moments_var_r m) with (var f - (1 + Moments_slope m) * (1 + Moments_slope m) * var y) by lra.
  field. lra. Qed.

(* 1 - rho in the form without cancellation, and its value where a vector is constant. *)
Theorem code_theorem_2 : 0 < var f -> 0 < var y -> one_minus_pearson m = 1 - rho f y.
Proof. intros Hf Hy. unfold one_minus_pearson. rewrite prediction_variance_is.
  assert (P := prediction_variance_is). unfold prediction_variance, square in P.
  assert (K := scaled_covariance_is). unfold scaling_factor in K.
  destruct moments_are as (_ & _ & _ & E & _). rewrite E in *.
  set (b := Moments_slope m) in *. set (r := Moments_var_r m) in *.
  unfold rho. rewrite <- K.
  pose proof (sqrt_lt_R0 _ Hf) as Sf. pose proof (sqrt_lt_R0 _ Hy) as Sy.
  pose proof (sqrt_sqrt (var f) ltac:(lra)) as Ff. pose proof (sqrt_sqrt (var y) ltac:(lra)) as Fy.
  set (a := sqrt (var f)) in *. set (v := sqrt (var y)) in *.
  set (g := (1 + b) * v).
  assert (G : g * g = Rabs g * Rabs g) by (unfold Rabs; destruct (Rcase_abs g); ring).
  assert (R0 : r = (a - Rabs g) * (a + Rabs g)).
  { replace ((a - Rabs g) * (a + Rabs g)) with (a * a - Rabs g * Rabs g) by ring.
    rewrite <- G. unfold g. rewrite Ff, <- P.
    replace ((1 + b) * v * ((1 + b) * v)) with ((1 + b) * (1 + b) * (v * v)) by ring. rewrite Fy. ring. }
  pose proof (Rabs_pos g).
  assert (0 < a * (a + Rabs g)) by (apply Rmult_lt_0_compat; lra).
  destruct (Req_EM_T a 0); [lra|]. destruct (Req_EM_T v 0); [lra|].
  rewrite !ratio_div by lra. rewrite R0, <- Fy. unfold g. field. repeat split; try lra. fold g. lra. Qed.

Theorem code_theorem_2_one_constant :
  (var f = 0 -> 0 < var y -> one_minus_pearson m = / 2) /\
  (0 < var f -> var y = 0 -> one_minus_pearson m = / 2) /\
  (var f = 0 -> var y = 0 -> one_minus_pearson m = 0).
Proof. unfold one_minus_pearson. rewrite prediction_variance_is.
  assert (P := prediction_variance_is). unfold prediction_variance, square in P.
  destruct moments_are as (_ & _ & _ & E & B & R0 & _). rewrite E in *.
  assert (RN : 0 <= Moments_var_r m) by (rewrite R0; apply var_ge0).
  assert (QN : 0 <= (1 + Moments_slope m) * (1 + Moments_slope m)) by apply Rle_0_sqr.
  pose proof (var_ge0 y) as YN.
  repeat split; intros Hf Hy.
  - assert (Z : 0 <= (1 + Moments_slope m) * (1 + Moments_slope m) * var y) by (apply Rmult_le_pos; lra).
    assert (Moments_var_r m = 0) by lra.
    assert (Sl : 1 + Moments_slope m = 0).
    { assert (T : (1 + Moments_slope m) * (1 + Moments_slope m) * var y = 0) by lra.
      apply Rmult_integral in T. destruct T; [apply Rsqr_0_uniq; auto | lra]. }
    rewrite H, Sl, Hf, sqrt_0, !Rmult_0_l, Rabs_R0, ratio_0. pose proof (sqrt_lt_R0 _ Hy).
    rewrite Rplus_0_l, Rminus_0_r, ratio_0.
    destruct (Req_EM_T 0 0); [|lra]. destruct (Req_EM_T (sqrt (var y)) 0); lra.
  - assert (Sl : Moments_slope m = 0) by (rewrite B, Hy, no_cov, ratio_0; auto).
    pose proof (sqrt_lt_R0 _ Hf) as Sf. rewrite Hy, sqrt_0, Rmult_0_r, Rabs_R0, Rplus_0_r, Rminus_0_r.
    rewrite !ratio_div by (try lra; apply Rgt_not_eq, Rmult_lt_0_compat; auto).
    rewrite sqrt_sqrt by lra. replace (Moments_var_r m) with (var f) by (rewrite <- P, Hy; ring).
    destruct (Req_EM_T (sqrt (var f)) 0); [lra|]. destruct (Req_EM_T 0 0); [field; lra|lra].
  - rewrite Hf, Hy, sqrt_0, Rmult_0_r, Rabs_R0, Rplus_0_r, Rmult_0_r, Rminus_0_r, !ratio_0.
    rewrite <- P in Hf. rewrite Hy in Hf. replace (Moments_var_r m) with 0 by lra.
    destruct (Req_EM_T 0 0); lra. Qed.
End Code.
End Batch.
